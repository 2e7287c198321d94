"""SNS and EventBridge inside ministack: what AWS's services tell topics and buses."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import orjson

from localcloud.backend.queues import Queues
from localcloud.unique import unique

# What a function's event calls otherwise than the envelope that others get.
_FOR_LAMBDA = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}


class Topics:
    """SNS, in the account and region in scope."""

    def __init__(self, module: Any, queues: Queues) -> None:
        self._module = module
        self._queues = queues
        deliver: Callable[..., None] = module._deliver_to_lambda  # noqa: SLF001

        def delivered(function: str, envelope: str, *rest: object) -> None:
            deliver(function, for_lambda(envelope), *rest)

        module._deliver_to_lambda = delivered  # noqa: SLF001

    def policy(self, arn: str) -> str | None:
        """A topic's policy; None where there is no such topic."""
        topic = cast("dict[str, Any] | None", self._module._topics.get(arn))  # noqa: SLF001
        return None if topic is None else str(topic["attributes"].get("Policy") or "")

    def notify(self, arn: str, subject: str, *messages: str) -> None:
        """Deliver messages to a topic's subscribers: to queues at once, otherwise as ministack does it."""
        topic = cast("dict[str, Any]", self._module._topics.get(arn) or {})  # noqa: SLF001
        subscriptions = cast("list[dict[str, Any]]", topic.get("subscriptions", []))
        if not all(map(_is_plain_queue, subscriptions)):
            for message in messages:
                self._module._fanout(arn, unique(), message, subject)  # noqa: SLF001
            return
        wrapped = list[str]()
        for subscription in subscriptions:
            if subscription["attributes"].get("RawMessageDelivery") == "true":
                self._queues.put(subscription["endpoint"], messages)
            else:
                wrapped = wrapped or self._wrapped(arn, subject, messages)
                self._queues.put(subscription["endpoint"], wrapped)

    def _wrapped(self, arn: str, subject: str, messages: Sequence[str]) -> list[str]:
        """SNS's envelopes: ministack's own, asked for once, since no more than id and message differ among them."""
        envelope = cast("str", self._module._build_envelope(arn, "<id>", "<message>", subject, {}, raw=False))  # noqa: SLF001
        before, _, rest = envelope.partition("<id>")
        between, _, after = rest.rpartition('"<message>"')
        return [f"{before}{unique()}{between}{orjson.dumps(one).decode()}{after}" for one in messages]


def for_lambda(envelope: str) -> str:
    """SNS's envelope as functions get it: two names are spelt otherwise, and nothing is left out.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """
    told = {_FOR_LAMBDA.get(name, name): value for name, value in json.loads(envelope).items()}
    return json.dumps({"Subject": None, "MessageAttributes": {}, **told})


def _is_plain_queue(subscription: Mapping[str, Any]) -> bool:
    return (
        bool(subscription.get("confirmed"))
        and subscription["protocol"] == "sqs"
        and not subscription["attributes"].get("FilterPolicy")
    )


class Buses:
    """EventBridge, in the account and region in scope."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def put(self, entry: Mapping[str, object]) -> str:
        """Put an event of an AWS service on a bus, which clients may not; why it was refused, empty if it was not."""
        answer = self._module._put_events({"Entries": [entry]}, allow_aws_source=True)  # noqa: SLF001
        results = cast("list[dict[str, str]]", json.loads(answer[2]).get("Entries", [{"ErrorMessage": str(answer[2])}]))
        return results[0].get("ErrorMessage", "")
