"""Who may call an AWS Lambda function. After internal/service/lambda/permission.go."""

import json
import threading
from typing import Any

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import ARN, Arg, Resource, form, up_to
from mailstack_localcloud.pulumi.provider.resources._names import given
from mailstack_localcloud.pulumi.wire import Props, obj

# One statement at a time: Lambda forgets some of those that are added side by side.
_ADDING = threading.Lock()
_NAME = form(r"(arn:[\w-]+:lambda:[\w-]+:\d{12}:function:)?[\w-]{1,140}(:(\$LATEST|[\w-]+))?", "is a name or an ARN")
_STATEMENT = form(r"[\w-]{1,100}", "has letters, digits, - and _, at most 100")
_ARGS = {
    "action": Arg("Action", replaces=True, allowed=form(r"lambda:(\*|[A-Za-z]+)", "is an action of Lambda")),
    "eventSourceToken": Arg("EventSourceToken", replaces=True, allowed=up_to(256)),
    "function": Arg("FunctionName", replaces=True, allowed=_NAME),
    "functionUrlAuthType": Arg("FunctionUrlAuthType", replaces=True, allowed=("NONE", "AWS_IAM")),
    "invokedViaFunctionUrl": Arg("InvokedViaFunctionUrl", replaces=True),
    "principal": Arg("Principal", replaces=True),
    "principalOrgId": Arg("PrincipalOrgID", replaces=True),
    "qualifier": Arg("Qualifier", replaces=True, allowed=form(r"[\w$-]{1,128}", "is a version or an alias")),
    "sourceAccount": Arg("SourceAccount", replaces=True, allowed=form(r"\d{12}", "is the number of an account")),
    "sourceArn": Arg("SourceArn", replaces=True, allowed=ARN),
    "statementId": Arg("StatementId", replaces=True, allowed=_STATEMENT),
}
# Where a statement's condition holds each argument.
_CONDITIONS = {
    "eventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "functionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "principalOrgId": ("StringEquals", "aws:PrincipalOrgID"),
    "sourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "sourceArn": ("ArnLike", "AWS:SourceArn"),
}


def _add(cloud: Cloud, wanted: Props) -> str:
    request: Any = given({arg.api: wanted.get(name) for name, arg in _ARGS.items()})
    with _ADDING:
        cloud.awslambda.add_permission(**request)
    return str(wanted["statementId"])


def _names(identifier: str, known: Props) -> tuple[str, str, str]:
    """Function, qualifier and statement; an import says all three: `FUNCTION[:QUALIFIER]/STATEMENT`."""
    said, _, statement = identifier.rpartition("/")
    function, _, qualifier = said.partition(":")
    return known.get("function") or function, known.get("qualifier") or qualifier, statement


def _read(cloud: Cloud, identifier: str, known: Props) -> Props | None:
    function, qualifier, name = _names(identifier, known)
    policy = cloud.awslambda.get_policy(FunctionName=function, **given({"Qualifier": qualifier}))["Policy"]
    statements: list[Props] = json.loads(policy)["Statement"]
    found = next((one for one in statements if one.get("Sid") == name), None)
    if found is None:
        return None
    principals, conditions = obj(found["Principal"]), obj(found.get("Condition"))
    by_url = obj(conditions.get("Bool")).get("lambda:InvokedViaFunctionUrl")
    return {
        "action": found["Action"],
        "function": function,
        "principal": principals.get("AWS") or principals.get("Service") or found["Principal"],
        "qualifier": qualifier,
        "statementId": name,
        **{key: obj(conditions.get(test)).get(of, "") for key, (test, of) in _CONDITIONS.items()},
        **({"invokedViaFunctionUrl": by_url == "true"} if by_url else {}),
    }


def _remove(cloud: Cloud, identifier: str, state: Props) -> None:
    function, qualifier, name = _names(identifier, state)
    with _ADDING:
        cloud.awslambda.remove_permission(FunctionName=function, StatementId=name, **given({"Qualifier": qualifier}))


RESOURCES = (
    Resource(
        kind="aws:lambda/permission:Permission",
        args=_ARGS,
        create=_add,
        read=_read,
        delete=_remove,
        auto_name="statementId",
    ),
)
