"""The settings of the example of moderation, with passwords that are quickly hashed: tests sign in often."""

from examples.django_moderation.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
