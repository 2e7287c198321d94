"""boto3 walks through every operation of SES's first API: each answers by its service model, or is not emulated."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from localcloud.tests.integration.test_conformance import smallest
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.faults.rules import BULK_STATUSES
from mailstack_localcloud.ses_v1.operations import HANDLERS

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape, StructureShape

pytestmark = pytest.mark.integration

MODEL = service_model("ses")
OPERATIONS = tuple(MODEL.operation_names)
SENDER, BOB = "ada@example.test", "bob@example.com"
POLICY = '{"Version": "2012-10-17", "Statement": []}'
TEMPLATE = {"TemplateName": "template", "SubjectPart": "Hi {{name}}", "TextPart": "Hello {{name}}"}
MESSAGE: Any = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}
COUNTED = {
    "DimensionConfigurations": [
        {"DimensionName": "stage", "DimensionValueSource": "messageTag", "DefaultDimensionValue": "none"}
    ]
}
DESTINATION: dict[str, Any] = {
    "Name": "counted",
    "MatchingEventTypes": ["send", "renderingFailure"],
    "CloudWatchDestination": COUNTED,
}
VERIFICATION = {
    "TemplateName": "welcome",
    "FromEmailAddress": SENDER,
    "TemplateSubject": "Hello",
    "TemplateContent": "Hello",
    "SuccessRedirectionURL": "https://example.com/yes",
    "FailureRedirectionURL": "https://example.com/no",
}
# What is there before each call, in this order.
PREPARED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("CreateConfigurationSet", {"ConfigurationSet": {"Name": "set"}}),
    ("CreateConfigurationSetEventDestination", {"ConfigurationSetName": "set", "EventDestination": DESTINATION}),
    (
        "CreateConfigurationSetTrackingOptions",
        {"ConfigurationSetName": "set", "TrackingOptions": {"CustomRedirectDomain": "t.example.test"}},
    ),
    ("CreateTemplate", {"Template": TEMPLATE}),
    ("CreateCustomVerificationEmailTemplate", VERIFICATION),
    ("PutIdentityPolicy", {"Identity": "example.test", "PolicyName": "p", "Policy": POLICY}),
)
COMMON: dict[str, Any] = {
    "ConfigurationSetName": "set",
    "Identity": "example.test",
    "Identities": ["example.test"],
    "PolicyName": "p",
    "PolicyNames": ["p", "none"],
    "Policy": POLICY,
    "TemplateName": "template",
    "Template": TEMPLATE,
    "TemplateData": '{"name": "Bob"}',
    "Source": SENDER,
    "Destination": {"ToAddresses": [BOB]},
    "Message": MESSAGE,
    "EmailAddress": BOB,
    "Domain": "example.org",
    "EventDestination": DESTINATION,
    "TrackingOptions": {"CustomRedirectDomain": "t.example.test"},
}
# Where an operation needs another value, or more than it requires.
SPECIAL: dict[str, dict[str, Any]] = {
    "CreateConfigurationSet": {"ConfigurationSet": {"Name": "new"}},
    "CreateConfigurationSetEventDestination": {"EventDestination": {**DESTINATION, "Name": "new"}},
    "CreateCustomVerificationEmailTemplate": {**VERIFICATION, "TemplateName": "new"},
    "CreateTemplate": {"Template": {**TEMPLATE, "TemplateName": "new"}},
    "DeleteConfigurationSetEventDestination": {"EventDestinationName": "counted"},
    "DeleteCustomVerificationEmailTemplate": {"TemplateName": "welcome"},
    "GetCustomVerificationEmailTemplate": {"TemplateName": "welcome"},
    "SendBulkTemplatedEmail": {
        "Template": "template",
        "DefaultTemplateData": "{}",
        "Destinations": [{"Destination": {"ToAddresses": [BOB]}, "ReplacementTemplateData": '{"name": "Bob"}'}],
    },
    "SendCustomVerificationEmail": {"TemplateName": "welcome"},
    "SendRawEmail": {"RawMessage": {"Data": b"From: ada@example.test\r\nTo: bob@example.com\r\n\r\nHello"}},
    "SendTemplatedEmail": {"Template": "template"},
    "SetIdentityMailFromDomain": {"MailFromDomain": "bounce.example.test"},
    "UpdateCustomVerificationEmailTemplate": {"TemplateName": "welcome"},
}
# A set that tracks already cannot be made to; another makes room.
FIRST = {
    "CreateConfigurationSetTrackingOptions": ("DeleteConfigurationSetTrackingOptions", {"ConfigurationSetName": "set"})
}


@pytest.fixture
def v1(cloud: LocalCloud) -> Any:
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    client = cloud.client("ses")
    for operation, parameters in PREPARED:
        call(client, operation, parameters)
    return client


def call(v1: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", getattr(v1, xform_name(operation))(**parameters))


def parameters_of(operation: "OperationModel") -> dict[str, Any]:
    shape: StructureShape | None = operation.input_shape
    special = SPECIAL.get(operation.name, {})
    required = [name for name in (shape.required_members if shape else ()) if name not in special]
    members = shape.members if shape else {}
    return {**{name: COMMON[name] if name in COMMON else smallest(members[name]) for name in required}, **special}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_fits_its_model_or_is_not_emulated(v1: Any, name: str):
    operation = MODEL.operation_model(name)
    if name in FIRST:
        call(v1, *FIRST[name])
    if name not in HANDLERS:
        with pytest.raises(ClientError) as raised:
            call(v1, name, parameters_of(operation))
        assert raised.value.response["Error"]["Code"] == "NotEmulated"
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
        return
    answer = call(v1, name, parameters_of(operation))
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    output = cast("Shape | None", operation.output_shape)
    assert ParamValidator().validate(answer, output).generate_report() == "" if output else answer == {}


def test_only_received_mail_is_not_emulated():
    missing = set(OPERATIONS) - set(HANDLERS)
    assert {name for name in missing if "Receipt" not in name} == {"SendBounce"}


def code(operation: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        operation(**parameters)
    return caught.value.response["Error"]["Code"]


def test_bulk_mail_has_a_result_for_each_destination(cloud: LocalCloud, v1: Any):
    data = '{"name": "you"}'
    to: list[Any] = [
        {"Destination": {"ToAddresses": [BOB]}, "ReplacementTemplateData": '{"name": "Bob"}'},
        {"Destination": {"ToAddresses": ["nobody"]}},
        {
            "Destination": {"ToAddresses": ["eve@example.com"]},
            "ReplacementTags": [{"Name": "kind", "Value": "vip"}],
        },
    ]
    tags = [{"Name": "kind", "Value": "news"}, {"Name": "run", "Value": "7"}]
    bulk: dict[str, Any] = {"Source": SENDER, "Template": "template", "DefaultTemplateData": data, "DefaultTags": tags}
    sent = v1.send_bulk_templated_email(**bulk, Destinations=to)["Status"]
    assert [one["Status"] for one in sent] == ["Success", "InvalidParameterValue", "Success"]
    first, last = (cloud.control("GET", f"messages/{sent[n]['MessageId']}") for n in (0, 2))
    assert (first["subject"], last["subject"]) == ("Hi Bob", "Hi you")
    assert (first["tags"]["kind"], last["tags"]["kind"], last["tags"]["run"]) == (["news"], ["vip"], ["7"])
    assert first["tags"]["ses:operation"] == ["SendBulkTemplatedEmail"]
    unknown = {**bulk, "Template": "none", "Destinations": to}
    assert code(v1.send_bulk_templated_email, **unknown) == "TemplateDoesNotExist"
    stranger = {**bulk, "Source": "ada@example.org", "Destinations": to}
    assert code(v1.send_bulk_templated_email, **stranger) == "MessageRejected"


STATUSES = service_model("ses").shape_for("BulkEmailStatus").enum  # pyright: ignore[reportAttributeAccessIssue] - a string's


@pytest.mark.parametrize("status", sorted(BULK_STATUSES))
def test_a_fault_gives_a_destination_each_status_that_there_is(cloud: LocalCloud, v1: Any, status: str):
    to = [{"Destination": {"ToAddresses": [address]}} for address in (BOB, "eve@example.com")]
    with cloud.fault("error", operation="SendBulkTemplatedEmail", recipient="eve@*", code=status):
        sent = v1.send_bulk_templated_email(
            Source=SENDER, Template="template", DefaultTemplateData='{"name": "you"}', Destinations=to
        )["Status"]
    assert sent[0]["Status"] == "Success"
    assert sent[1]["Status"] in set(STATUSES) - {"Success"}
    assert "MessageId" not in sent[1]


def test_v1_templates_are_shared_with_v2(cloud: LocalCloud, v1: Any):
    v2 = cloud.client("sesv2")
    assert v2.get_email_template(TemplateName="template")["TemplateContent"] == {
        "Subject": "Hi {{name}}",
        "Text": "Hello {{name}}",
    }
    assert v1.get_template(TemplateName="template")["Template"] == TEMPLATE
    assert [one["Name"] for one in v1.list_templates()["TemplatesMetadata"]] == ["template"]
    assert code(v1.create_template, Template=TEMPLATE) == "AlreadyExists"
    assert code(v1.update_template, Template={**TEMPLATE, "TextPart": "{{#if}"}) == "InvalidTemplate"
    assert code(v1.get_template, TemplateName="none") == "TemplateDoesNotExist"
    rendering = {"TemplateName": "template"}
    assert "Hi Bob" in v1.test_render_template(**rendering, TemplateData='{"name": "Bob"}')["RenderedTemplate"]
    assert code(v1.test_render_template, **rendering, TemplateData="{}") == "MissingRenderingAttribute"
    assert code(v1.test_render_template, **rendering, TemplateData="what?") == "InvalidRenderingParameter"
    v1.delete_template(TemplateName="template")
    v1.delete_template(TemplateName="template")
    assert v1.list_templates()["TemplatesMetadata"] == []


def test_v1_verification_mails_are_shared_with_v2(cloud: LocalCloud, v1: Any):
    assert code(v1.create_custom_verification_email_template, **VERIFICATION) == (
        "CustomVerificationEmailTemplateAlreadyExists"
    )
    unverified = {**VERIFICATION, "TemplateName": "new", "FromEmailAddress": "ada@example.org"}
    assert code(v1.create_custom_verification_email_template, **unverified) == "FromEmailAddressNotVerified"
    v1.update_custom_verification_email_template(TemplateName="welcome", TemplateSubject="New")
    changed = v1.get_custom_verification_email_template(TemplateName="welcome")
    assert (changed["TemplateSubject"], changed["TemplateContent"]) == ("New", "Hello")
    missing = code(v1.get_custom_verification_email_template, TemplateName="none")
    assert missing == "CustomVerificationEmailTemplateDoesNotExist"
    assert v1.send_custom_verification_email(EmailAddress=BOB, TemplateName="welcome")["MessageId"]
    cloud.control("PUT", "account", {"production_access": False})
    sent = code(v1.send_custom_verification_email, EmailAddress=BOB, TemplateName="welcome")
    assert sent == "ProductionAccessNotGranted"


def test_a_set_s_switches_are_those_of_the_second_api(cloud: LocalCloud, v1: Any):
    v1.update_configuration_set_sending_enabled(ConfigurationSetName="set", Enabled=False)
    v1.update_configuration_set_reputation_metrics_enabled(ConfigurationSetName="set", Enabled=True)
    v1.put_configuration_set_delivery_options(ConfigurationSetName="set", DeliveryOptions={"TlsPolicy": "Require"})
    v1.update_configuration_set_tracking_options(
        ConfigurationSetName="set", TrackingOptions={"CustomRedirectDomain": "t.example.test"}
    )
    found = cloud.client("sesv2").get_configuration_set(ConfigurationSetName="set")
    assert found["SendingOptions"]["SendingEnabled"] is False
    assert found["ReputationOptions"]["ReputationMetricsEnabled"] is True
    assert found["DeliveryOptions"]["TlsPolicy"] == "REQUIRE"
    assert found["TrackingOptions"]["CustomRedirectDomain"] == "t.example.test"
    v1.update_configuration_set_sending_enabled(ConfigurationSetName="set", Enabled=True)
    wanted = ["deliveryOptions", "reputationOptions"]
    shown = v1.describe_configuration_set(ConfigurationSetName="set", ConfigurationSetAttributeNames=wanted)
    assert shown["DeliveryOptions"] == {"TlsPolicy": "Require"}
    assert shown["ReputationOptions"]["LastFreshStart"] <= datetime.now(UTC)
    v1.put_configuration_set_delivery_options(ConfigurationSetName="set")
    shown = v1.describe_configuration_set(ConfigurationSetName="set", ConfigurationSetAttributeNames=wanted)
    assert "DeliveryOptions" not in shown
    again: Any = {"ConfigurationSetName": "set", "TrackingOptions": {"CustomRedirectDomain": "t.example.org"}}
    assert code(v1.create_configuration_set_tracking_options, **again) == "TrackingOptionsAlreadyExistsException"
    assert code(v1.update_configuration_set_tracking_options, **again) == "InvalidTrackingOptions"
    v1.delete_configuration_set_tracking_options(ConfigurationSetName="set")
    assert code(v1.create_configuration_set_tracking_options, **again) == "InvalidTrackingOptions"
    gone = code(v1.delete_configuration_set_tracking_options, ConfigurationSetName="set")
    assert gone == "TrackingOptionsDoesNotExistException"


def test_v1_event_destinations_round_trip(cloud: LocalCloud, v1: Any):
    asked: dict[str, Any] = {"ConfigurationSetName": "set"}

    def described() -> list[dict[str, Any]]:
        wanted = ["eventDestinations"]
        return v1.describe_configuration_set(**asked, ConfigurationSetAttributeNames=wanted)["EventDestinations"]

    assert described() == [{**DESTINATION, "Enabled": False}]
    v1.update_configuration_set_event_destination(**asked, EventDestination={**DESTINATION, "Enabled": True})
    assert described() == [{**DESTINATION, "Enabled": True}]
    create = v1.create_configuration_set_event_destination
    assert code(create, **asked, EventDestination=DESTINATION) == "EventDestinationAlreadyExists"
    new = {"Name": "new", "MatchingEventTypes": ["bounce"]}
    topic = {"SNSDestination": {"TopicARN": "arn:aws:sns:us-east-1:000000000000:none"}}
    stream = {"KinesisFirehoseDestination": {"IAMRoleARN": "arn:none", "DeliveryStreamARN": "arn:none"}}
    assert code(create, **asked, EventDestination={**new, **topic}) == "InvalidSNSDestination"
    assert code(create, **asked, EventDestination={**new, **stream}) == "InvalidFirehoseDestination"
    v1.delete_configuration_set_event_destination(**asked, EventDestinationName="counted")
    gone = code(v1.delete_configuration_set_event_destination, **asked, EventDestinationName="counted")
    assert (described(), gone) == ([], "EventDestinationDoesNotExist")


def test_policies_of_an_identity_are_put_by_name_or_arn(cloud: LocalCloud, v1: Any):
    other = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny"}]}'
    arn = "arn:aws:ses:us-east-1:000000000000:identity/example.test"
    v1.put_identity_policy(Identity=arn, PolicyName="p", Policy=other)
    v1.put_identity_policy(Identity="example.test", PolicyName="q", Policy=POLICY)
    assert v1.get_identity_policies(Identity=arn, PolicyNames=["p", "none"])["Policies"] == {"p": other}
    assert v1.list_identity_policies(Identity=arn)["PolicyNames"] == ["p", "q"]
    policies = cloud.client("sesv2").get_email_identity_policies(EmailIdentity="example.test")["Policies"]
    assert policies == {"p": other, "q": POLICY}
    assert code(v1.put_identity_policy, Identity=arn, PolicyName="p", Policy="what?") == "InvalidPolicy"
    v1.delete_identity_policy(Identity=arn, PolicyName="p")
    v1.delete_identity_policy(Identity=arn, PolicyName="p")
    assert v1.list_identity_policies(Identity=arn)["PolicyNames"] == ["q"]


def test_a_template_has_a_subject(v1: Any):
    bare = {"TemplateName": "bare", "TextPart": "Hello"}
    assert code(v1.create_template, Template=bare) == "InvalidParameterValue"


def test_ten_templates_make_a_page_unless_more_are_asked_for(v1: Any):
    for i in range(11):
        v1.create_template(Template={**TEMPLATE, "TemplateName": f"t{i}"})
    first = v1.list_templates()
    assert len(first["TemplatesMetadata"]) == 10
    rest = v1.list_templates(NextToken=first["NextToken"])
    whole = v1.list_templates(MaxItems=500)
    assert first["TemplatesMetadata"] + rest["TemplatesMetadata"] == whole["TemplatesMetadata"]
    assert code(v1.list_identities, MaxItems=1001) == "InvalidParameterValue"
    many = [f"{i}.test" for i in range(101)]
    assert code(v1.get_identity_dkim_attributes, Identities=many) == "InvalidParameterValue"
