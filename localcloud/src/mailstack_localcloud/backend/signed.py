"""Authorizes requests that IAM users and roles sign for services other than SES, before ministack serves them.

Covers the services that the stack's functions and senders call. Any other key is the account's own, which may do
everything. Not for AWS services that act on their own (`grants.py`).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlencode

from mailstack_localcloud.backend.access import Access
from mailstack_localcloud.backend.credentials import ACCOUNT_ID
from mailstack_localcloud.backend.keys import USES, Keys, encryption_keys, is_aws_managed
from mailstack_localcloud.backend.leading_keys import leading_keys, partition_key
from mailstack_localcloud.http import App, Message, Receive, Request, Response, Scope, Send, headers_of, read, respond
from mailstack_localcloud.unique_ids import unique

_SERVICES = "dynamodb|kms|monitoring|secretsmanager|sns|sqs|ssm"
_CREDENTIAL = re.compile(rf"Credential=([^/,&\s]+)/\d+/([a-z0-9-]+)/({_SERVICES})/aws4_request")
# These ask for the permission of the single one, for each of their entries' queue, topic or table.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
_SINGLE = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
}
_READS, _WRITES = ("kms:Decrypt",), USES
_ITEMS = (
    *("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem"),
    *("Query", "Scan", "UpdateItem"),
)
# What the service asks of KMS on the caller's behalf where the resource is encrypted with the customer's key:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html (the table's key is read)
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
_KEY_USES = {
    "sqs:SendMessage": _WRITES,
    "sqs:ReceiveMessage": _READS,
    "sns:Publish": _WRITES,
    "secretsmanager:GetSecretValue": _READS,
    "secretsmanager:PutSecretValue": _WRITES,
    **{f"dynamodb:{item}": _READS for item in _ITEMS},
}
_NO_KEY_ACCESS = {
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html: KmsAccessDenied
    "sqs": ("KMS.AccessDeniedException", 400),
    # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    "sns": ("KMSAccessDenied", 400),
}
# Errors of these come with 400: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_BAD_REQUEST = frozenset({"dynamodb", "kms", "secretsmanager"})
_TRANSACTIONS = frozenset({"dynamodb:TransactWriteItems", "dynamodb:TransactGetItems"})
_PARTS = {
    "ConditionCheck": "ConditionCheckItem",
    "Put": "PutItem",
    "Delete": "DeleteItem",
    "Update": "UpdateItem",
    "Get": "GetItem",
}
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
_MOVES = {
    "sqs:StartMessageMoveTask": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "sqs:ListMessageMoveTasks": ("sqs:GetQueueAttributes",),
}
_DESCRIBE_ALARMS = "cloudwatch:DescribeAlarms"
_COMPOSITE = "CompositeAlarm"
Policy = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A denied action: the evaluator's decision, and whether it is about the resource's key."""

    action: str
    resource: str
    decided: Any
    of_key: bool = False


@dataclass(frozen=True, slots=True)
class Resources:
    """Finds policies and keys of resources by service and ARN."""

    policy: Callable[[str, str], Policy | None]
    key: Callable[[str, str], tuple[str, Mapping[str, str]] | None]


class Authorizer:
    """Decides what users and roles may do, by their policies, those of resources, and those of keys. Call in scope."""

    def __init__(self, access: Access, keys: Keys, resources: Resources) -> None:
        self._access, self._keys, self._resources = access, keys, resources

    def refusal(self, principal: Any, action: str, resource: str, context: Mapping[str, object]) -> Refusal | None:
        """Why a principal may not do something with a resource; None if it may."""
        service = action.partition(":")[0]
        if service == "kms" and (key := self._keys.find(resource)):
            # Policies name keys; an alias is only how the caller names them.
            resource = str(key["Arn"])
        policy = self._resources.policy(service, resource)
        is_key = service == "kms"
        decided = self._access.evaluate(principal, action, resource, context, policy, policy_must_allow=is_key)
        if decided.decision != "Allow":
            return Refusal(action, resource, decided)
        uses = _KEY_USES.get(action, ())
        encrypts = self._resources.key(service, resource) if uses else None
        return self._key_refusal(principal, service, resource, encrypts, uses) if encrypts else None

    def _key_refusal(
        self, principal: Any, service: str, resource: str, key: tuple[str, Mapping[str, str]], uses: tuple[str, ...]
    ) -> Refusal | None:
        name, encryption_context = key
        if not name or is_aws_managed(name):
            return None
        found = self._keys.find(name)
        if found is None:
            return None
        region = resource.split(":")[3]
        context = {
            "kms:viaservice": f"{service}.{region}.amazonaws.com",
            "kms:calleraccount": ACCOUNT_ID,
            **encryption_keys(encryption_context),
        }
        policy = str(found.get("Policy") or ""), ACCOUNT_ID
        for use in uses:
            decided = self._access.evaluate(principal, use, found["Arn"], context, policy, policy_must_allow=True)
            if decided.decision != "Allow":
                return Refusal(use, str(found["Arn"]), decided, of_key=True)
        return None


class AuthorizedApp:
    """ASGI middleware that passes authorized requests on.

    Args:
        app: The application behind it.
        access: Finds the signer.
        authorizer: Decides what they may do.
        scope: Enters an account and region.
    """

    def __init__(
        self,
        app: App,
        access: Access,
        authorizer: Authorizer,
        scope: Callable[[str, str], AbstractContextManager[None]],
    ) -> None:
        self._app, self._access, self._authorizer, self._scope = app, access, authorizer, scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        signed = _credential(scope) if scope["type"] == "http" else None
        if signed is None:
            await self._app(scope, receive, send)
            return
        access_key, region, service = signed
        with self._scope(ACCOUNT_ID, region):
            principal = self._access.principal(access_key)
        if principal is None:
            await self._app(scope, receive, send)
            return
        request = await read(scope, receive)
        with self._scope(ACCOUNT_ID, region):
            action, refusal = self._refusal(principal, request, service, region)
            hides = action == _DESCRIBE_ALARMS and self._authorizer.refusal(principal, action, "*", {}) is not None
        if refusal:
            await respond(send, _answer(refusal, service, request, principal))
            return
        body = _without_composite_alarms(request) if hides else request.body
        length = [(b"content-length", str(len(body)).encode())]
        headers = [pair for pair in scope["headers"] if bytes(pair[0]).lower() != b"content-length"] + length
        await self._app({**scope, "headers": headers}, _once(body, receive), send)

    def _refusal(self, principal: Any, request: Request, service: str, region: str) -> tuple[str, Refusal | None]:
        whole = _AccessRequest.of(request, service, region)
        for asked in _parts(whole, request, region):
            for resource in asked.resources:
                refusal = self._authorizer.refusal(principal, asked.action, resource, asked.context)
                if refusal:
                    return asked.action, refusal
        return whole.action, None


@dataclass(frozen=True, slots=True)
class _AccessRequest:
    action: str
    resources: list[str]
    context: Mapping[str, object]

    @classmethod
    def of(cls, request: Request, service: str, region: str) -> "_AccessRequest":
        """The action, resources and conditions of a request, as ministack reads them."""
        from ministack.core import iam_actions

        actions = cast("Any", iam_actions)
        headers, query = dict(request.headers), {**_form(request), **request.query}
        whole = (service, request.method, request.path, headers, request.body, query)
        found = cast("str | None", actions.extract_iam_action(*whole))
        if found is None:
            return cls("", [], {})
        action = _SINGLE.get(found, found)
        resource = str(actions.extract_resource_arn(*whole, region, ACCOUNT_ID))
        tags = cast("dict[str, object]", actions.request_tag_context(service, found, request.body, query))
        context: dict[str, object] = {name.lower(): value for name, value in tags.items()}
        if service == "monitoring":
            return cls(action, list(_alarms(request, action, region, resource)), _namespace(request, action))
        return cls(action, [resource], context)

    def of_items(self, asked: Mapping[str, Any], region: str) -> Iterator["_AccessRequest"]:
        """The request for each table of DynamoDB, with its conditions on items."""
        from ministack.core import iam_actions

        actions, body = cast("Any", iam_actions), json.dumps(asked).encode()
        described = {k.lower(): v for k, v in actions.dynamodb_service_context(body).items()}
        tables = cast("list[str]", actions.dynamodb_resource_arns(body, region, ACCOUNT_ID))
        for arn in tables or self.resources:
            table = arn.partition("/")[2].partition("/")[0]
            attribute = partition_key(table)
            keys = leading_keys(asked, table, attribute) if attribute else []
            context = {**self.context, **described, **({"dynamodb:leadingkeys": keys} if keys else {})}
            yield _AccessRequest(self.action, [arn], context)


def _parts(whole: _AccessRequest, request: Request, region: str) -> Iterator[_AccessRequest]:
    """What is authorized of a request: itself, or each table and each part of a transaction like a request of its own.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    """
    if whole.action in _MOVES:
        yield from _moves(whole, request)
        return
    if not whole.action.startswith("dynamodb:"):
        yield whole
        return
    body = _json(request)
    if whole.action not in _TRANSACTIONS:
        yield from whole.of_items(body, region)
        return
    for item in cast("list[Mapping[str, Mapping[str, Any]]]", body.get("TransactItems", ())):
        for kind in _PARTS.keys() & item.keys():
            yield from _AccessRequest(f"dynamodb:{_PARTS[kind]}", ["*"], {}).of_items(item[kind], region)


def _moves(whole: _AccessRequest, request: Request) -> Iterator[_AccessRequest]:
    """What a move task needs on the dead-letter queue, and on the queue that the messages go to."""
    body, also = _json(request), _MOVES[whole.action]
    source, destination = str(body.get("SourceArn") or "*"), str(body.get("DestinationArn") or "")
    yield from (_AccessRequest(action, [source], {}) for action in (whole.action, *also))
    if destination:
        yield _AccessRequest("sqs:SendMessage", [destination], {})


def _alarms(request: Request, action: str, region: str, resource: str) -> Iterator[str]:
    """Which alarms are asked about: those named, or all, as AWS's own refusals call them.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    """
    if action not in {_DESCRIBE_ALARMS, "cloudwatch:DescribeAlarmHistory"} or resource != "*":
        yield resource
        return
    names = _listed(request, "AlarmNames") or [f"{_value(request, 'AlarmNamePrefix')}*"]
    for name in names:
        yield f"arn:aws:cloudwatch:{region}:{ACCOUNT_ID}:alarm:{name}"


def _namespace(request: Request, action: str) -> dict[str, object]:
    is_data = action == "cloudwatch:PutMetricData"
    return {"cloudwatch:namespace": _value(request, "Namespace")} if is_data else {}


def _without_composite_alarms(request: Request) -> bytes:
    """A request for alarms that asks for no composite ones.

    Composite alarms are shown only to callers whose permission is scoped to `*`:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    wanted = [kind for kind in _listed(request, "AlarmTypes") or ["MetricAlarm"] if kind != _COMPOSITE] or ["None"]
    form = _form(request)
    if not form:
        return json.dumps({**_json(request), "AlarmTypes": wanted}).encode()
    others = {name: values for name, values in form.items() if not name.startswith("AlarmTypes.")}
    listed = {f"AlarmTypes.member.{number}": [kind] for number, kind in enumerate(wanted, 1)}
    return urlencode({**others, **listed}, doseq=True).encode()


def _answer(refusal: Refusal, service: str, request: Request, principal: Any) -> Response:
    from ministack.core import iam_actions

    actions = cast("Any", iam_actions)
    code, status = _NO_KEY_ACCESS.get(service, ("", 0)) if refusal.of_key else ("", 0)
    is_denied, by_resource = refusal.decided.decision == "Deny", refusal.decided.resource_policy_arn
    message = (
        ""
        if by_resource
        else actions.identity_denial_message(refusal.action, principal.arn, refusal.resource, is_denied)
    )
    answered, headers, body = actions.access_denied_response(
        service,
        refusal.action,
        principal.arn,
        unique(),
        error_code=code,
        message=message,
        headers=dict(request.headers),
        resource_arn=refusal.resource,
        explicit_deny=is_denied,
        resource_policy_arn=by_resource,
    )
    status = status or (400 if service in _BAD_REQUEST else answered)
    others = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    return Response(status, body, headers["Content-Type"], others)


def _credential(scope: Scope) -> tuple[str, str, str] | None:
    """Access key, region and service of a signature, in the header or the query string."""
    header = headers_of(scope).get("authorization", "")
    query = unquote(bytes(scope.get("query_string", b"")).decode("latin-1"))
    found = _CREDENTIAL.search(header or query)
    return (found[1], found[2], found[3]) if found else None


def _once(body: bytes, receive: Receive) -> Receive:
    """An ASGI `receive` that replays a body that was read already."""
    pending = [body]

    async def replay() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replay


def _form(request: Request) -> dict[str, list[str]]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)


def _json(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _value(request: Request, name: str) -> str:
    return str(_form(request).get(name, [""])[0] or _json(request).get(name, ""))


def _listed(request: Request, name: str) -> list[str]:
    before = f"{name}.member."
    numbered = {key: values for key, values in _form(request).items() if key.startswith(before)}
    in_form = [values[0] for key, values in numbered.items() if key.removeprefix(before).isdigit()]
    return in_form or [str(one) for one in cast("list[object]", _json(request).get(name) or [])]
