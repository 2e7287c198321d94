"""Whether the webhook of an example gets events."""

from mailer.testing import Ses


def is_subscribed(ses: Ses) -> bool:
    """Whether a subscription is confirmed."""
    listed = ses.cloud.client("sns").list_subscriptions()["Subscriptions"]
    return any(one["SubscriptionArn"].startswith("arn:") for one in listed)
