"""The resources that SES's operations act on, compared with AWS's reference as a public linter contains it."""

import json
from importlib.metadata import distribution
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.ses.operations import HANDLERS
from mailstack_localcloud.ses.permissions import resources
from mailstack_localcloud.ses.state import State

if TYPE_CHECKING:
    from mailstack_localcloud.ses.context import Context

# These are judged elsewhere, or name their resource by ARN.
ELSEWHERE = {"SendEmail", "SendBulkEmail", "TagResource", "UntagResource", "ListTagsForResource"}


def reference() -> dict[str, tuple[set[str], set[str]]]:
    """Operation → the kinds of resources that it needs, and those that it may have."""
    definition = Path(str(distribution("parliament").locate_file("parliament/iam_definition.json")))
    services = cast("list[dict[str, Any]]", json.loads(definition.read_text()))
    second = next(one for one in services if one["service_name"] == "Amazon Simple Email Service v2")
    found = dict[str, tuple[set[str], set[str]]]()
    for privilege in second["privileges"]:
        kinds = [str(one["resource_type"]) for one in privilege["resource_types"] if one["resource_type"]]
        needed = {kind.removesuffix("*") for kind in kinds if kind.endswith("*")}
        found[privilege["privilege"]] = needed, {kind.removesuffix("*") for kind in kinds}
    return found


REFERENCE = reference()


@pytest.mark.parametrize("operation", sorted(set(REFERENCE) & set(HANDLERS) - ELSEWHERE))
def test_an_operation_acts_on_what_aws_says(operation: str):
    shape = service_model("sesv2").operation_model(operation).input_shape
    given = dict.fromkeys(shape.members if shape else (), "x") | {"Tags": [], "EventDestination": {}}
    context = cast("Context", SimpleNamespace(state=State("us-east-1")))
    named = {arn.rpartition(":")[2].partition("/")[0] for arn in resources(context, operation, given)} - {"*"}
    needed, possible = REFERENCE[operation]
    assert needed <= named <= possible


def test_the_reference_knows_most_of_the_operations():
    assert len(set(REFERENCE) & set(HANDLERS)) > 80
