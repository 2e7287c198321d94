"""What the sending guard's code can do to SES at all: IAM cannot allow pausing without un-pausing, so the code must."""

import ast
from pathlib import Path

from mailstack_infra.functions.packages import Sources, closure

# What changes anything in SES by which mail is sent again: the second API's operations, and the first's.
RESUMES = (
    *("put_configuration_set_sending_options", "put_account_sending_attributes"),
    *("update_configuration_set_sending_enabled", "update_account_sending_enabled", "create_configuration_set"),
    "update_reputation_entity_customer_managed_status",
)


def called(file: Path) -> list[ast.Call]:
    """The calls in a file that could let mail be sent again."""
    calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in RESUMES]


def test_the_guards_code_can_pause_and_never_un_pause():
    sources = Sources.installed()
    handler = sources.functions / "sending_guard" / "handler.py"
    (call,) = (call for file in (handler, *closure(handler, sources)) for call in called(file))
    assert isinstance(call.func, ast.Attribute)
    assert call.func.attr == "put_configuration_set_sending_options"
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    assert given.keys() == {"ConfigurationSetName", "SendingEnabled"}
    assert isinstance(given["SendingEnabled"], ast.Constant)
    assert given["SendingEnabled"].value is False


def test_the_guards_code_calls_aws_by_plain_names_only():
    """So that the test above sees every call: none goes by a name made up at run time."""
    sources = Sources.installed()
    handler = sources.functions / "sending_guard" / "handler.py"
    names = {node.id for node in ast.walk(ast.parse(handler.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
    assert names.isdisjoint({"getattr", "exec", "eval", "__import__"})
