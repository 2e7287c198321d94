"""Subscriptions that must be confirmed, as in SNS: by mail, too. Unconfirmed ones are deleted.

https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, cast
from urllib.parse import quote

from mailstack_localcloud import virtual_time
from mailstack_localcloud.unique_ids import unique

_Answer = tuple[int, dict[str, str], bytes]
# Takes a mail of AWS's own: sender, recipient, subject, text.
Mail = Callable[[str, str, str, str], object]
SECONDS = 48 * 3600
PATH = "/_localcloud/subscriptions/"
_SENDER = "no-reply@sns.amazonaws.com"
_MAIL = frozenset({"email", "email-json"})
_PENDING, _LISTED_PENDING = "pending confirmation", "PendingConfirmation"
_SINCE = "localcloud_since"
_ASKS = """You have chosen to subscribe to the topic:
{topic}

To confirm this subscription, follow this link within 48 hours:
{url}

(This mail was written by the local cloud; SNS's own says the same.)
"""


class Subscriptions:
    """The subscriptions of all topics.

    Args:
        module: ministack's SNS.
        endpoint: Where links in mails lead.
    """

    def __init__(self, module: Any, endpoint: str) -> None:
        self._module, self._endpoint = module, endpoint
        self.mail: Mail | None = None
        self._subscribe = cast("Callable[[Mapping[str, list[str]]], _Answer]", module._subscribe)  # noqa: SLF001
        self._unsubscribe = cast("Callable[[Mapping[str, list[str]]], _Answer]", module._unsubscribe)  # noqa: SLF001
        self._fanout = cast("Callable[..., None]", module._fanout)  # noqa: SLF001
        module._subscribe, module._unsubscribe = self._subscribed, self._unsubscribed  # noqa: SLF001
        module._fanout = self._fanned_out  # noqa: SLF001
        for name in ("_list_subscriptions", "_list_subscriptions_by_topic"):
            setattr(module, name, partial(self._listed, getattr(module, name)))

    def confirm(self, token: str) -> bool:
        """Follow the link in a mail; whether it leads anywhere."""
        found = next((one for one in self._all() if one.get("token") == token), None) if token else None
        if found is not None:
            found |= {"confirmed": True, "token": None}
            found["attributes"] |= {"PendingConfirmation": "false", "ConfirmationWasAuthenticated": "false"}
        return found is not None

    def expire(self) -> None:
        """Delete subscriptions that were not confirmed within 48 hours."""
        for topic in self._topics():
            kept = [one for one in topic["subscriptions"] if not self._is_over(one)]
            if len(kept) < len(topic["subscriptions"]):
                topic["subscriptions"] = kept
                self._module._refresh_subscription_counts(topic)  # noqa: SLF001

    def _subscribed(self, p: Mapping[str, list[str]]) -> _Answer:
        topic = cast("dict[str, Any]", self._module._topics.get(_one(p, "TopicArn")) or {})  # noqa: SLF001
        before = len(topic.get("subscriptions", ()))
        answer = self._subscribe(p)
        added = topic.get("subscriptions", [])[before:]
        for subscription in added:
            subscription[_SINCE] = virtual_time.seconds()
            if subscription["protocol"] in _MAIL:
                self._ask(topic, subscription)
        named = (_one(p, "Protocol"), _one(p, "Endpoint"))
        its = [one for one in topic.get("subscriptions", ()) if (one["protocol"], one["endpoint"]) == named]
        if answer[0] != 200 or not its:  # noqa: PLR2004 - HTTP's own success
            return answer
        # https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html: ReturnSubscriptionArn
        is_shown = its[0]["confirmed"] or _one(p, "ReturnSubscriptionArn") == "true"
        arn = its[0]["arn"] if is_shown else _PENDING
        inner = f"<SubscribeResult><SubscriptionArn>{arn}</SubscriptionArn></SubscribeResult>"
        return cast("_Answer", self._module._xml(200, "SubscribeResponse", inner))  # noqa: SLF001

    def _ask(self, topic: dict[str, Any], subscription: dict[str, Any]) -> None:
        subscription |= {"confirmed": False, "token": unique()}
        subscription["attributes"] |= {"PendingConfirmation": "true", "ConfirmationWasAuthenticated": "false"}
        self._module._refresh_subscription_counts(topic)  # noqa: SLF001
        if self.mail:
            url = f"{self._endpoint}{PATH}{quote(subscription['token'])}"
            text = _ASKS.format(topic=topic["arn"], url=url)
            self.mail(_SENDER, subscription["endpoint"], "AWS Notification - Subscription Confirmation", text)

    def _unsubscribed(self, p: Mapping[str, list[str]]) -> _Answer:
        arn = _one(p, "SubscriptionArn")
        found = next((one for one in self._all() if one["arn"] == arn), None)
        if found is not None and not found["confirmed"]:
            # As terraform-provider-aws knows it: internal/service/sns/topic_subscription.go.
            message = "Invalid parameter: Cannot unsubscribe a subscription that is pending confirmation"
            return cast("_Answer", self._module._error("InvalidParameter", message, 400))  # noqa: SLF001
        return self._unsubscribe(p)

    def _fanned_out(
        self, topic_arn: str, message_id: str, message: str, subject: str, *rest: Any, **named: Any
    ) -> None:
        self._fanout(topic_arn, message_id, message, subject, *rest, **named)
        topic = cast("dict[str, Any]", self._module._topic_by_arn_any_scope(topic_arn) or {})  # noqa: SLF001
        attributes = rest[1] if len(rest) > 1 else named.get("message_attributes")
        structure = rest[0] if rest else named.get("message_structure", "")
        for one in topic.get("subscriptions", ()) if self.mail else ():
            if not one["confirmed"] or one["protocol"] not in _MAIL:
                continue
            own = self._module._resolve_message_for_protocol(message, structure, one["protocol"])  # noqa: SLF001
            if self.mail and self._module._matches_filter_policy(one, attributes or {}, own):  # noqa: SLF001
                text = own
                if one["protocol"] == "email-json":
                    text = self._module._build_envelope(topic_arn, message_id, own, subject, {}, False)  # noqa: SLF001
                self.mail(_SENDER, one["endpoint"], subject or "AWS Notification Message", text)

    def _listed(self, listed: Callable[[Mapping[str, list[str]]], _Answer], p: Mapping[str, list[str]]) -> _Answer:
        """A subscription that is not confirmed is listed without its ARN.

        https://docs.aws.amazon.com/cli/latest/reference/sns/list-subscriptions-by-topic.html
        """
        status, headers, body = listed(p)
        for one in self._all():
            if not one["confirmed"]:
                shown, hidden = (f"<SubscriptionArn>{text}<".encode() for text in (one["arn"], _LISTED_PENDING))
                body = body.replace(shown, hidden)
        return status, headers, body

    def _is_over(self, subscription: dict[str, Any]) -> bool:
        since = subscription.setdefault(_SINCE, virtual_time.seconds())
        return not subscription["confirmed"] and virtual_time.seconds() - since > SECONDS

    def _topics(self) -> Iterator[dict[str, Any]]:
        yield from list(cast("dict[Any, dict[str, Any]]", self._module._topics._data).values())  # noqa: SLF001

    def _all(self) -> Iterator[dict[str, Any]]:
        for topic in self._topics():
            yield from list(topic["subscriptions"])


def _one(p: Mapping[str, list[str]], name: str) -> str:
    return str(p.get(name, [""])[0])
