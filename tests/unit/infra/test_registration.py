"""Every registered resource is valid, named, tagged and below the stack's component."""

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest

from mailer.stack import MAX_PARAMETER_CHARACTERS, StackOutputs
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_localcloud.pulumi.schema import problems
from tests.unit.infra.program import Registered, run

if TYPE_CHECKING:
    from botocore.model import StringShape
from tests.unit.infra.options import USED, everywhere

# Inputs whose values AWS lists: the resource, the path, and where botocore's model has the list.
ENUMS = [
    ("ConfigurationSet", ("deliveryOptions", "tlsPolicy"), "sesv2", "TlsPolicy"),
    ("ConfigurationSet", ("suppressionOptions", "suppressedReasons"), "sesv2", "SuppressionListReason"),
    ("ConfigurationSetEventDestination", ("eventDestination", "matchingEventTypes"), "sesv2", "EventType"),
    ("AccountSuppressionAttributes", ("suppressedReasons",), "sesv2", "SuppressionListReason"),
    ("AccountVdmAttributes", ("vdmEnabled",), "sesv2", "FeatureStatus"),
    ("EmailIdentity", ("dkimSigningAttributes", "nextSigningKeyLength"), "sesv2", "DkimSigningKeyLength"),
    ("EmailIdentityMailFromAttributes", ("behaviorOnMxFailure",), "sesv2", "BehaviorOnMxFailure"),
    ("Record", ("type",), "route53", "RRType"),
    ("Table", ("billingMode",), "dynamodb", "BillingMode"),
    ("MetricAlarm", ("comparisonOperator",), "cloudwatch", "ComparisonOperator"),
    ("MetricAlarm", ("statistic",), "cloudwatch", "Statistic"),
    ("MetricAlarm", ("metricQueries", 0, "metric", "stat"), "cloudwatch", "Statistic"),
    ("Function", ("runtime",), "lambda", "Runtime"),
    ("Function", ("architectures",), "lambda", "Architecture"),
    ("EventSourceMapping", ("functionResponseTypes",), "lambda", "FunctionResponseType"),
    ("Parameter", ("type",), "ssm", "ParameterType"),
]


# An address has no keys, and an alarm one metric or queries.
OPTIONAL = {"dkimSigningAttributes", "statistic", "metricQueries"}


def at(inputs: Any, path: tuple[str | int, ...]) -> list[Any]:
    for part in path:
        inputs = inputs[part]
    return inputs if isinstance(inputs, list) else [inputs]


@everywhere
@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_every_input_is_one_that_the_provider_has(stack: str, changed: dict[str, Any], preview: bool):
    deployment = run(stack, preview=preview, **changed)
    found = {resource.urn: problems(resource.token, resource.inputs) for resource in deployment.aws}
    assert {urn: problem for urn, problem in found.items() if problem} == {}


def test_a_misspelt_nested_key_would_be_found():
    destination = run("dev").of("ConfigurationSetEventDestination")[0]
    broken = {**destination.inputs, "eventDestination": {**destination.inputs["eventDestination"], "enabeld": True}}
    assert problems(destination.token, broken) == ["eventDestination.enabeld: no such input; did you mean 'enabled'?"]


@everywhere
def test_every_listed_value_is_one_that_aws_has(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    session = botocore.session.get_session()
    for kind, path, service, shape in ENUMS:
        known = set(cast("StringShape", session.get_service_model(service).shape_for(shape)).enum)
        assert known, shape
        for resource in deployment.of(kind):
            if path[0] in resource.inputs or path[0] not in OPTIONAL:
                assert set(at(resource.inputs, path)) <= known, resource.urn


@everywhere
def test_only_agreed_types_are_used(stack: str, changed: dict[str, Any]):
    assert {resource.token for resource in run(stack, **changed).aws} <= USED


@everywhere
def test_a_preview_shows_everything_that_is_then_made(stack: str, changed: dict[str, Any]):
    shown, made = run(stack, preview=True, **changed), run(stack, **changed)
    assert Counter(r.urn for r in shown.resources) == Counter(r.urn for r in made.resources)


@everywhere
def test_names_are_unique_and_say_whose_they_are(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    urns = Counter(resource.urn for resource in deployment.resources)
    assert [urn for urn, times in urns.items() if times > 1] == []
    named = [
        (r.token, name)
        for r in deployment.aws
        if (name := r.inputs.get("configurationSetName") or r.inputs.get("name"))
        and not r.token.endswith((":Record", ":RolePolicy", ":ConfigurationSetEventDestination", ":EmailIdentity"))
    ]
    assert len(named) == len(set(named))
    for token, name in named:
        plain = name.removeprefix("/aws/lambda/").removeprefix("alias/")
        assert f"{plain}-".startswith((f"mailstack-{stack}-", f"/mailstack/{stack}/")), (token, name)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_two_stacks_of_one_account_share_no_name(stack: str):
    other = {"dev": "prod", "prod": "dev"}[stack]
    mine, theirs = ({r.arn for r in run(each).aws if r.arn} for each in (stack, other))
    assert mine
    assert mine & theirs == set()


@everywhere
def test_every_resource_that_takes_tags_has_them(stack: str, changed: dict[str, Any]):
    for resource in run(stack, **changed).aws:
        if problems(resource.token, {**resource.inputs, "tags": {}}) == []:
            assert resource.inputs["tags"]["mailstack"] == stack, resource.urn


def test_the_stacks_own_tag_cannot_be_taken_over():
    with pytest.raises(SettingsInvalid, match="mailstack is the stack's own tag"):
        run("dev", tags={"mailstack": "other"})


@everywhere
def test_every_resource_is_a_child_of_the_component(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    by_urn = {resource.urn: resource for resource in deployment.resources}
    for resource in deployment.aws:
        top: Registered = resource
        while top.parent in by_urn:
            top = by_urn[top.parent]
        assert top.token == "mailstack:index:MailStack", resource.urn


@everywhere
def test_the_outputs_are_what_the_library_reads(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    values = deployment.values
    written = deployment.one("Parameter", "outputs")
    assert written.inputs["name"] == f"/mailstack/{stack}/outputs"
    assert StackOutputs.from_json(written.inputs["insecureValue"], source="The parameter") == values
    assert len(written.inputs["insecureValue"]) <= MAX_PARAMETER_CHARACTERS
    assert {name: deployment.exports[name] for name in StackOutputs.model_fields} == values.model_dump(mode="json")
