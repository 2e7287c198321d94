"""SNS and EventBridge inside ministack: messages of AWS services to topics and buses."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import orjson

from mailstack_localcloud.backend.access import Access
from mailstack_localcloud.backend.grants import EVENTS, SCHEDULER, SNS, Grants
from mailstack_localcloud.backend.policies import Source, allows
from mailstack_localcloud.backend.queues import Queues
from mailstack_localcloud.backend.signatures import Signer
from mailstack_localcloud.backend.signed import Authorizer
from mailstack_localcloud.unique_ids import unique

# What a function's event calls otherwise than the envelope that others get.
_FOR_LAMBDA = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}


class Topics:
    """SNS, in the account and region in scope."""

    def __init__(self, module: Any, queues: Queues, grants: Grants, signer: Signer) -> None:
        self._module = module
        self._queues = queues
        self._grants = grants
        self._envelope = cast("Callable[..., str]", module._build_envelope)  # noqa: SLF001
        self._sign_with(signer)
        deliver: Callable[..., None] = module._deliver_to_lambda  # noqa: SLF001

        def delivered(function: str, envelope: str, topic_arn: str, *rest: object) -> None:
            if not grants.invoke(function, Source(SNS, topic_arn)):
                deliver(function, for_lambda(envelope), topic_arn, *rest)

        module._deliver_to_lambda = delivered  # noqa: SLF001

    def _sign_with(self, signer: Signer) -> None:
        """Sign all that ministack delivers: envelopes, and what asks an endpoint whether it wants to subscribe."""
        post = cast("Callable[[str, str, str], int]", self._module._http_post_sync)  # noqa: SLF001

        def signed(topic_arn: str, *rest: Any) -> str:
            envelope, raw = self._envelope(topic_arn, *rest), bool(rest[-1])
            return envelope if raw else signer.sign(self._versioned(topic_arn, envelope))

        def posted(endpoint: str, payload: str, kind: str) -> int:
            if kind != "Notification":
                payload = signer.sign(self._versioned(json.loads(payload)["TopicArn"], payload))
            return post(endpoint, payload, kind)

        self._module._build_envelope, self._module._http_post_sync = signed, posted  # noqa: SLF001

    def _versioned(self, topic_arn: str, envelope: str) -> str:
        """An envelope that names the version of signature which its topic asks for."""
        topic = cast("dict[str, Any]", self._module._topics.get(topic_arn) or {})  # noqa: SLF001
        version = str(topic.get("attributes", {}).get("SignatureVersion") or "1")
        return json.dumps({**json.loads(envelope), "SignatureVersion": version})

    def has(self, arn: str) -> bool:
        """Whether there is such a topic."""
        return arn in self._module._topics  # noqa: SLF001

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
            if self._grants.send(subscription["endpoint"], Source(SNS, arn)):
                continue
            if subscription["attributes"].get("RawMessageDelivery") == "true":
                self._queues.put(subscription["endpoint"], messages)
            else:
                wrapped = wrapped or self._wrapped(arn, subject, messages)
                self._queues.put(subscription["endpoint"], wrapped, are_envelopes=True)

    def _wrapped(self, arn: str, subject: str, messages: Sequence[str]) -> list[str]:
        """SNS's envelopes: ministack's own, asked for once, since no more than id and message differ among them.

        They are signed when they are received: a signature takes longer than all the rest.
        """
        envelope = self._versioned(arn, self._envelope(arn, "<id>", "<message>", subject, {}, False))
        before, _, rest = envelope.partition("<id>")
        between, _, after = rest.rpartition('"<message>"')
        return [f"{before}{unique()}{between}{orjson.dumps(one).decode()}{after}" for one in messages]


def for_lambda(envelope: str) -> str:
    """SNS's envelope as functions get it: two names are spelt otherwise, and nothing is left out.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """
    renamed = {_FOR_LAMBDA.get(name, name): value for name, value in json.loads(envelope).items()}
    return json.dumps({"Subject": None, "MessageAttributes": {}, **renamed})


def _is_plain_queue(subscription: Mapping[str, Any]) -> bool:
    return (
        bool(subscription.get("confirmed"))
        and subscription["protocol"] == "sqs"
        and not subscription["attributes"].get("FilterPolicy")
    )


# What a schedule's role does with its target, by the target's service.
_ROLE_ACTIONS = {"sns": "sns:Publish", "sqs": "sqs:SendMessage", "lambda": "lambda:InvokeFunction"}


# Targets whose policies, and those of their keys, cannot ask for a rule or an account.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions: "you can't use
# Condition blocks in Amazon SNS topic policies for EventBridge";
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html: `aws:SourceAccount`, `aws:SourceArn` and
# `aws:SourceOrgID` in a key policy are "not supported for EventBridge-to-encrypted topics".
_NO_CONDITIONS = frozenset({"sns"})


class Buses:
    """EventBridge and its schedules, in the account and region in scope."""

    def __init__(self, module: Any, grants: Grants, access: Access, authorizer: Authorizer) -> None:
        self._module, self._grants, self._access, self._authorizer = module, grants, access, authorizer
        invoke: Callable[..., None] = module._invoke_target  # noqa: SLF001

        def invoked(target: dict[str, Any], event: object, rule: dict[str, Any], view: object = None) -> None:
            if not self._problem(target, str(rule.get("Arn", ""))):
                invoke(target, event, rule, view)

        module._invoke_target = invoked  # noqa: SLF001

    def put(self, entry: Mapping[str, object]) -> str:
        """Put an event of an AWS service on a bus, which clients may not; why it was refused, empty if it was not."""
        answer = self._module._put_events({"Entries": [entry]}, allow_aws_source=True)  # noqa: SLF001
        results = cast("list[dict[str, str]]", json.loads(answer[2]).get("Entries", [{"ErrorMessage": str(answer[2])}]))
        return results[0].get("ErrorMessage", "")

    def _problem(self, target: Mapping[str, Any], rule_arn: str) -> str:
        """Why a rule or schedule cannot reach its target; empty if it can.

        Of topics, queues and functions the policies decide, whatever role a rule's target names:
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
        """
        arn = str(target.get("Arn", ""))
        service = (arn.split(":") + [""] * 3)[2]
        if service not in _ROLE_ACTIONS:
            return ""
        if ":schedule/" in rule_arn:
            return self._schedule_problem(target, service, rule_arn)
        judged = {"sns": self._grants.publish, "sqs": self._grants.send, "lambda": self._grants.invoke}
        return judged[service](arn, Source(EVENTS, rule_arn, names_itself=service not in _NO_CONDITIONS))

    def _schedule_problem(self, target: Mapping[str, Any], service: str, schedule_arn: str) -> str:
        """A schedule acts with its role.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role,
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
        """
        arn, role_arn = str(target["Arn"]), str(target.get("RoleArn", ""))
        group = schedule_arn.replace(":schedule/", ":schedule-group/").rpartition("/")[0]
        source, action = Source(SCHEDULER, group), _ROLE_ACTIONS[service]
        role = self._access.role(role_arn, schedule_arn.rpartition("/")[2][:64])
        if role is None:
            return self._grants.denied(source, action, arn, f"the role {role_arn} does not exist")
        trust = self._access.trust_policy(role_arn) or ""
        if not allows(trust, action="sts:AssumeRole", resource=role_arn, context=source.context(), service=SCHEDULER):
            return self._grants.denied(source, action, arn, f"the role {role_arn} does not trust {SCHEDULER}")
        refusal = self._authorizer.refusal(role, action, arn, {})
        problem = f"the role {role_arn} may not {refusal.action} on {refusal.resource}" if refusal else ""
        return self._grants.denied(source, action, arn, problem)
