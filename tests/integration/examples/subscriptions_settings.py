"""The settings of the example with quick passwords: a person waits half a second for a hash, a test for hundreds."""

from examples.django_subscriptions.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
