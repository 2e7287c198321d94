"""boto3 calls every operation of SES v2: each response fits the service model, or says that it is not emulated.

The inputs are made from the model; the tables below say only what must make sense.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.ses.operations import HANDLERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

MODEL = service_model("sesv2")
OPERATIONS = tuple(MODEL.operation_names)
NOT_EMULATED = sorted(set(OPERATIONS) - set(HANDLERS))
GUIDE = Path(__file__).parents[3] / "docs" / "reference" / "local-cloud.md"

ARN = "arn:aws:ses:us-east-1:000000000000"
SENDER = "ada@example.test"
BOB = "bob@example.com"
HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}}
TEMPLATE = {"Subject": "Hi {{name}}", "Text": "Hello {{name}}"}
DATA = '{"name": "Bob"}'
TO_BUS = {
    "Enabled": True,
    "MatchingEventTypes": ["SEND"],
    "EventBridgeDestination": {"EventBusArn": "arn:aws:events:us-east-1:000000000000:event-bus/default"},
}
POLICY = '{"Version": "2012-10-17", "Statement": []}'
DAY = datetime(2026, 1, 1, tzinfo=UTC)
EXPORT: dict[str, Any] = {
    "ExportDataSource": {"MessageInsightsDataSource": {"StartDate": DAY, "EndDate": DAY}},
    "ExportDestination": {"DataFormat": "CSV"},
}
IMPORT: dict[str, Any] = {
    "ImportDestination": {"SuppressionListDestination": {"SuppressionListImportAction": "PUT"}},
    "ImportDataSource": {"S3Url": "s3://bucket/key", "DataFormat": "CSV"},
}
MAIL_TEMPLATE: dict[str, Any] = {
    "FromEmailAddress": SENDER,
    "TemplateSubject": "Hello",
    "TemplateContent": "Click",
    "SuccessRedirectionURL": "https://example.com/yes",
    "FailureRedirectionURL": "https://example.com/no",
}
# What is there before each call, in this order.
PREPARED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("CreateEmailIdentity", {"EmailIdentity": "example.test"}),
    ("CreateEmailIdentityPolicy", {"EmailIdentity": "example.test", "PolicyName": "p", "Policy": POLICY}),
    ("CreateConfigurationSet", {"ConfigurationSetName": "set"}),
    (
        "CreateConfigurationSetEventDestination",
        {"ConfigurationSetName": "set", "EventDestinationName": "bus", "EventDestination": TO_BUS},
    ),
    ("CreateEmailTemplate", {"TemplateName": "template", "TemplateContent": TEMPLATE}),
    ("CreateContactList", {"ContactListName": "list"}),
    ("CreateContact", {"ContactListName": "list", "EmailAddress": BOB}),
    ("CreateDedicatedIpPool", {"PoolName": "pool"}),
    ("CreateMultiRegionEndpoint", {"EndpointName": "both", "Details": {"RoutesDetails": [{"Region": "us-west-2"}]}}),
    ("CreateTenant", {"TenantName": "tenant"}),
    ("CreateTenantResourceAssociation", {"TenantName": "tenant", "ResourceArn": f"{ARN}:identity/example.test"}),
    ("PutSuppressedDestination", {"EmailAddress": "gone@example.com", "Reason": "BOUNCE"}),
    ("CreateExportJob", EXPORT),
    ("CreateImportJob", IMPORT),
)
# A member of this name has this value wherever an operation requires it.
COMMON: dict[str, Any] = {
    "EmailIdentity": "example.test",
    "ConfigurationSetName": "set",
    "EventDestinationName": "bus",
    "EventDestination": TO_BUS,
    "TemplateName": "template",
    "TemplateContent": TEMPLATE,
    "TemplateData": DATA,
    "ContactListName": "list",
    "EmailAddress": BOB,
    "PoolName": "pool",
    "EndpointName": "both",
    "TenantName": "tenant",
    "PolicyName": "p",
    "Policy": POLICY,
    "ResourceArn": f"{ARN}:identity/example.test",
    "Tags": [{"Key": "a", "Value": "b"}],
}
# And here an operation needs another one, or more than it requires. A callable gets what the preparation answered.
SPECIAL: dict[str, dict[str, Any]] = {
    "BatchGetMetricData": {
        "Queries": [{"Id": "1", "Namespace": "VDM", "Metric": "SEND", "StartDate": DAY, "EndDate": DAY}]
    },
    "CreateConfigurationSet": {"ConfigurationSetName": "new"},
    "CreateConfigurationSetEventDestination": {"EventDestinationName": "new"},
    "CreateContact": {"EmailAddress": "new@example.com"},
    "CreateContactList": {"ContactListName": "new"},
    "CreateCustomVerificationEmailTemplate": {"TemplateName": "new", **MAIL_TEMPLATE},
    "CreateDedicatedIpPool": {"PoolName": "new"},
    "CreateEmailIdentity": {"EmailIdentity": "new.test"},
    "CreateEmailIdentityPolicy": {"PolicyName": "new"},
    "CreateEmailTemplate": {"TemplateName": "new"},
    "CancelExportJob": {"JobId": lambda made: made["export"]},
    "CreateExportJob": EXPORT,
    "CreateImportJob": IMPORT,
    "GetExportJob": {"JobId": lambda made: made["export"]},
    "GetImportJob": {"JobId": lambda made: made["import"]},
    "CreateMultiRegionEndpoint": {"EndpointName": "new", "Details": {"RoutesDetails": [{"Region": "us-west-2"}]}},
    "CreateTenant": {"TenantName": "new"},
    "CreateTenantResourceAssociation": {"ResourceArn": f"{ARN}:configuration-set/set"},
    "DeleteSuppressedDestination": {"EmailAddress": "gone@example.com"},
    "DisassociateEmailIdentityCertificate": {"FromAddress": SENDER},
    "PutDeliverabilityDashboardOption": {"DashboardEnabled": False},
    "GetMessageInsights": {"MessageId": lambda made: made["message"]},
    "GetReputationEntity": {"ReputationEntityReference": lambda made: made["tenant"]},
    "GetSuppressedDestination": {"EmailAddress": "gone@example.com"},
    "PutAccountDetails": {"WebsiteURL": "https://example.com"},
    "PutAccountSendingAttributes": {"SendingEnabled": True},
    "PutAccountSuppressionAttributes": {"SuppressedReasons": ["BOUNCE"]},
    "PutAccountVdmAttributes": {"VdmAttributes": {"VdmEnabled": "ENABLED"}},
    "PutConfigurationSetDeliveryOptions": {"TlsPolicy": "REQUIRE", "SendingPoolName": "pool"},
    "PutConfigurationSetVdmOptions": {"VdmOptions": {"DashboardOptions": {"EngagementMetrics": "ENABLED"}}},
    "PutDedicatedIpPoolScalingAttributes": {"ScalingMode": "MANAGED"},
    "PutEmailIdentityDkimSigningAttributes": {"SigningAttributesOrigin": "AWS_SES"},
    "PutEmailIdentityMailFromAttributes": {"MailFromDomain": "bounce.example.test"},
    "PutSuppressedDestination": {"Reason": "COMPLAINT"},
    "SendBulkEmail": {
        "FromEmailAddress": SENDER,
        "DefaultContent": {"Template": {"TemplateName": "template", "TemplateData": DATA}},
        "BulkEmailEntries": [{"Destination": {"ToAddresses": [BOB]}}],
    },
    "SendEmail": {"FromEmailAddress": SENDER, "Destination": {"ToAddresses": [BOB]}, "Content": HELLO},
    "UpdateCustomVerificationEmailTemplate": MAIL_TEMPLATE,
    "UpdateReputationEntityCustomerManagedStatus": {"ReputationEntityReference": lambda made: made["tenant"]},
    "UpdateReputationEntityPolicy": {
        "ReputationEntityReference": lambda made: made["tenant"],
        "ReputationEntityPolicy": "arn:aws:ses:us-east-1:aws:reputation-policy/standard",
    },
}
# An account has one contact list: the other one makes room. What is a tenant's stays.
FIRST = {
    "CreateContactList": ("DeleteContactList", {"ContactListName": "list"}),
    "DeleteEmailIdentity": ("DeleteTenant", {"TenantName": "tenant"}),
}
# What an account without dedicated addresses answers.
REFUSED: dict[str, str] = dict.fromkeys(
    ("GetDedicatedIp", "PutDedicatedIpInPool", "PutDedicatedIpWarmupAttributes"), "NotFoundException"
)


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    return cloud.client("sesv2")


@pytest.fixture
def made(cloud: LocalCloud, ses: "SESV2Client") -> dict[str, str]:
    answers = {operation: call(ses, operation, parameters) for operation, parameters in PREPARED}
    cloud.control("POST", "identities/example.test/verify")
    ses.create_custom_verification_email_template(TemplateName="template", **MAIL_TEMPLATE)
    sent = ses.send_email(FromEmailAddress=SENDER, Destination={"ToAddresses": [BOB]}, Content=HELLO)
    tenant = ses.get_tenant(TenantName="tenant")["Tenant"]
    jobs = {"export": answers["CreateExportJob"]["JobId"], "import": answers["CreateImportJob"]["JobId"]}
    return {"message": sent["MessageId"], "tenant": tenant.get("TenantArn", ""), **jobs}


def call(ses: "SESV2Client", operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", getattr(ses, xform_name(operation))(**parameters))


def parameters_of(operation: OperationModel, made: dict[str, str]) -> dict[str, Any]:
    shape = cast("StructureShape", operation.input_shape)
    special = SPECIAL.get(operation.name, {})
    required = [name for name in shape.required_members if name not in special]
    usual = {name: COMMON[name] if name in COMMON else smallest(shape.members[name]) for name in required}
    return {**usual, **{name: value(made) if callable(value) else value for name, value in special.items()}}


def smallest(shape: Shape) -> object:
    """The least that a shape takes."""
    if isinstance(shape, StructureShape):
        return {name: smallest(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [smallest(shape.member)] * int(shape.metadata.get("min", 1))
    if isinstance(shape, MapShape):
        return {}
    if isinstance(shape, StringShape):
        return shape.enum[0] if shape.enum else "x" * max(int(shape.metadata.get("min", 1)), 1)
    plain: Mapping[str, object] = {"boolean": True, "timestamp": DAY, "blob": b"x"}
    return plain.get(shape.type_name, 1)


def problems(operation: OperationModel, answer: dict[str, Any]) -> str:
    """What an answer, as botocore parsed it, has against its output shape."""
    output = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return cast("str", ParamValidator().validate(output, cast("Shape", operation.output_shape)).generate_report())


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_fits_its_model_or_is_not_emulated(ses: "SESV2Client", made: dict[str, str], name: str):
    operation = MODEL.operation_model(name)
    parameters = parameters_of(operation, made)
    refusal = "NotEmulated" if name not in HANDLERS else REFUSED.get(name)
    if name in FIRST:
        call(ses, *FIRST[name])
    if refusal:
        with pytest.raises(ClientError) as raised:
            call(ses, name, parameters)
        assert raised.value.response["Error"]["Code"] == refusal
        declared = {shape.name for shape in operation.error_shapes}
        assert refusal in declared or raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    else:
        answer = call(ses, name, parameters)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert problems(operation, answer) == ""


def test_the_guide_lists_exactly_what_is_not_emulated():
    section = re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)
    listed = next(part for part in section if part.startswith("Limitations"))
    assert sorted(name for name in re.findall(r"`(\w+)`", listed) if name in OPERATIONS) == NOT_EMULATED


# Pages: the member that holds the list, and how many entries the preparation below makes.
LISTS = {
    "GetDedicatedIps": ("DedicatedIps", 0),
    "ListConfigurationSets": ("ConfigurationSets", 3),
    "ListContactLists": ("ContactLists", 1),
    "ListContacts": ("Contacts", 3),
    "ListCustomVerificationEmailTemplates": ("CustomVerificationEmailTemplates", 3),
    "ListDedicatedIpPools": ("DedicatedIpPools", 3),
    "ListEmailIdentities": ("EmailIdentities", 3),
    "ListEmailTemplates": ("TemplatesMetadata", 3),
    "ListEmailIdentityCertificates": ("Certificates", 0),
    "ListExportJobs": ("ExportJobs", 3),
    "ListImportJobs": ("ImportJobs", 3),
    "ListMultiRegionEndpoints": ("MultiRegionEndpoints", 3),
    "ListRecommendations": ("Recommendations", 3),
    "ListReputationEntities": ("ReputationEntities", 3),
    "ListResourceTenants": ("ResourceTenants", 3),
    "ListSuppressedDestinations": ("SuppressedDestinationSummaries", 3),
    "ListTenantResources": ("TenantResources", 3),
    "ListTenants": ("Tenants", 3),
}


def test_every_list_that_has_pages_is_in_the_table():
    inputs = {name: MODEL.operation_model(name).input_shape for name in HANDLERS}
    paged = {name for name, shape in inputs.items() if shape and "NextToken" in shape.members}
    assert paged == set(LISTS)


@pytest.fixture
def three_of_each(cloud: LocalCloud, ses: "SESV2Client") -> None:
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    for letter in "abc":
        ses.create_custom_verification_email_template(TemplateName=letter, **MAIL_TEMPLATE)
    ses.delete_email_identity(EmailIdentity="example.test")
    call(ses, "CreateContactList", {"ContactListName": "list"})
    for letter in "abc":
        steps: tuple[tuple[str, dict[str, Any]], ...] = (
            ("CreateConfigurationSet", {"ConfigurationSetName": letter}),
            ("CreateContact", {"ContactListName": "list", "EmailAddress": f"{letter}@example.com"}),
            ("CreateDedicatedIpPool", {"PoolName": letter}),
            ("CreateEmailIdentity", {"EmailIdentity": f"{letter}.test"}),
            ("CreateEmailTemplate", {"TemplateName": letter, "TemplateContent": TEMPLATE}),
            (
                "CreateMultiRegionEndpoint",
                {"EndpointName": letter, "Details": {"RoutesDetails": [{"Region": "us-west-2"}]}},
            ),
            ("CreateTenant", {"TenantName": letter}),
            ("PutSuppressedDestination", {"EmailAddress": f"{letter}@example.com", "Reason": "BOUNCE"}),
            ("CreateExportJob", EXPORT),
            ("CreateImportJob", IMPORT),
        )
        for operation, parameters in steps:
            call(ses, operation, parameters)
    # What is done does not change between two pages.
    cloud.control("POST", "jobs/work")
    pairs = [("a", letter) for letter in "abc"] + [("b", "a"), ("c", "a")]
    for tenant, letter in pairs:
        ses.create_tenant_resource_association(TenantName=tenant, ResourceArn=f"{ARN}:configuration-set/{letter}")


@pytest.mark.usefixtures("three_of_each")
def test_every_list_comes_in_pages_that_add_up(ses: "SESV2Client"):
    own: dict[str, Any] = {
        "ContactListName": "list",
        "TenantName": "a",
        "EmailIdentity": "a.test",
        "ResourceArn": f"{ARN}:configuration-set/a",
    }
    for operation, (member, count) in LISTS.items():
        shape = cast("StructureShape", MODEL.operation_model(operation).input_shape)
        parameters = {name: own[name] for name in shape.required_members}
        whole, pages, token = call(ses, operation, parameters), list[Any](), dict[str, str]()
        for _ in range(max(count, 1)):
            page = call(ses, operation, {**parameters, "PageSize": 1, **token})
            assert len(page[member]) == min(count, 1), operation
            pages += page[member]
            token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
        assert (pages, len(pages), token) == (whole[member], count, {}), operation
        assert "NextToken" not in whole, operation


def test_a_token_that_is_none_of_ours_is_refused(ses: "SESV2Client"):
    with pytest.raises(ses.exceptions.BadRequestException):
        ses.list_tenants(NextToken="what?")
    with pytest.raises(ses.exceptions.InvalidNextTokenException):
        ses.list_suppressed_destinations(NextToken="what?")


TAGGED: dict[str, dict[str, Any]] = {
    "custom-verification-email-template/new": {
        "operation": "CreateCustomVerificationEmailTemplate",
        "TemplateName": "new",
        **MAIL_TEMPLATE,
    },
    "configuration-set/new": {"operation": "CreateConfigurationSet", "ConfigurationSetName": "new"},
    "contact-list/new": {"operation": "CreateContactList", "ContactListName": "new"},
    "dedicated-ip-pool/new": {"operation": "CreateDedicatedIpPool", "PoolName": "new"},
    "identity/new.test": {"operation": "CreateEmailIdentity", "EmailIdentity": "new.test"},
    "template/new": {"operation": "CreateEmailTemplate", "TemplateName": "new", "TemplateContent": TEMPLATE},
    "multi-region-endpoint/new": {
        "operation": "CreateMultiRegionEndpoint",
        "EndpointName": "new",
        "Details": {"RoutesDetails": [{"Region": "us-west-2"}]},
    },
}


@pytest.mark.parametrize(("resource", "how"), TAGGED.items())
def test_every_resource_with_an_arn_can_be_tagged(
    cloud: LocalCloud, ses: "SESV2Client", resource: str, how: dict[str, Any]
):
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    parameters = {name: value for name, value in how.items() if name != "operation"}
    call(ses, how["operation"], {**parameters, "Tags": [{"Key": "stage", "Value": "test"}]})
    arn = f"{ARN}:{resource}"
    ses.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "mail"}, {"Key": "stage", "Value": "prod"}])
    tags = {tag["Key"]: tag["Value"] for tag in ses.list_tags_for_resource(ResourceArn=arn)["Tags"]}
    assert tags == {"stage": "prod", "team": "mail"}
    ses.untag_resource(ResourceArn=arn, TagKeys=["stage", "nothing"])
    assert ses.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "mail"}]
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.list_tags_for_resource(ResourceArn=arn.replace("new", "none"))


def test_lists_are_filtered_as_they_are_asked_to_be(ses: "SESV2Client"):
    for name in ("news.example.test", "example.test", "ada@example.com"):
        ses.create_email_identity(EmailIdentity=name)
    for name in ("prod-news", "prod-orders"):
        ses.create_configuration_set(ConfigurationSetName=name)

    def identities(**wanted: str) -> list[str]:
        only: Any = wanted
        return [i.get("IdentityName", "") for i in ses.list_email_identities(Filter=only)["EmailIdentities"]]

    assert identities(IDENTITY_NAME_CONTAINS="news") == ["news.example.test"]
    assert identities(IDENTITY_TYPE="EMAIL_ADDRESS") == ["ada@example.com"]
    assert identities(VERIFICATION_STATUS="SUCCESS") == []
    found = ses.list_configuration_sets(Filter={"CONFIGURATION_SET_NAME_CONTAINS": "orders"})
    assert found["ConfigurationSets"] == ["prod-orders"]


# Sizes of a page that AWS does not allow, and one that it does; the others take 0 to 1000.
SIZES = {
    "ListCustomVerificationEmailTemplates": ((0, 51), 50),
    "ListEmailTemplates": ((0, 101), 100),
    "ListRecommendations": ((0, 101), 100),
}


@pytest.mark.parametrize("operation", ["ListEmailIdentities", "ListContactLists", "ListTenants", *SIZES])
def test_page_size_has_the_limit_of_aws(ses: "SESV2Client", operation: str):
    refused, largest = SIZES.get(operation, ((-1, 1001), 1000))
    for size in refused:
        with pytest.raises(ses.exceptions.BadRequestException, match="PageSize"):
            call(ses, operation, {"PageSize": size})
    assert call(ses, operation, {"PageSize": largest})


BUS = "arn:aws:events:us-east-1:000000000000:event-bus"


def dimensions(*names: str, default: str = "none") -> dict[str, Any]:
    each = [
        {"DimensionName": n, "DimensionValueSource": "MESSAGE_TAG", "DefaultDimensionValue": default} for n in names
    ]
    return {
        "EventDestination": {"MatchingEventTypes": ["SEND"], "CloudWatchDestination": {"DimensionConfigurations": each}}
    }


def topic(name: str) -> dict[str, str]:
    return {"TopicName": name, "DisplayName": "x", "DefaultSubscriptionStatus": "OPT_IN"}


def tagged(*tags: tuple[str, str]) -> dict[str, Any]:
    return {"ConfigurationSetName": "new", "Tags": [{"Key": key, "Value": value} for key, value in tags]}


TO_NEW = {"ConfigurationSetName": "set", "EventDestinationName": "new", "EventDestination": TO_BUS}
OWN_KEY = {"DomainSigningSelector": "own", "DomainSigningPrivateKey": "c2VjcmV0"}
LONG_POLICY = '{"Version": "2012-10-17", "Statement": [], "Id": "%s"}' % ("x" * 4096)
# What a request asks for against AWS's documentation, and how the refusal begins.
AGAINST_THE_RULES: list[tuple[str, dict[str, Any], str]] = [
    ("CreateConfigurationSet", tagged(*((str(i), "") for i in range(51))), "Maximum of 50 user tags are"),
    ("CreateConfigurationSet", tagged(("a", "1"), ("a", "2")), "Cannot provide multiple tags with"),
    ("CreateConfigurationSet", tagged(("aws:a", "")), "Caller is an end user and not allowed to mutate system tags"),
    ("CreateConfigurationSet", tagged(("a", "b!")), "Tags can only contain letters, numbers, spaces, and the"),
    ("CreateConfigurationSet", tagged(("", "")), "Invalid tag <>"),
    ("CreateConfigurationSet", tagged(("a" * 129, "")), "Invalid tag <a"),
    ("CreateConfigurationSet", tagged(("a", "x" * 257)), "Invalid tag <a>"),
    (
        "CreateConfigurationSet",
        {"TrackingOptions": {"CustomRedirectDomain": "t.example.org"}},
        "Domain <t.example.org> is not verified under this account.",
    ),
    ("PutConfigurationSetTrackingOptions", {"HttpsPolicy": "REQUIRE"}, "CustomRedirectDomain must be specified."),
    ("CreateConfigurationSetEventDestination", {**TO_NEW, "EventDestinationName": "a b"}, "Invalid event destination"),
    ("CreateConfigurationSetEventDestination", {**TO_NEW, **dimensions()}, "A CloudWatch destination has 1 to 10"),
    (
        "CreateConfigurationSetEventDestination",
        {**TO_NEW, **dimensions(*"abcdefghijk")},
        "A CloudWatch destination has",
    ),
    ("CreateConfigurationSetEventDestination", {**TO_NEW, **dimensions("a b")}, "Invalid CloudWatch dimension <a b>"),
    (
        "CreateConfigurationSetEventDestination",
        {**TO_NEW, **dimensions("a", default="")},
        "Invalid CloudWatch dimension",
    ),
    (
        "UpdateConfigurationSetEventDestination",
        {"EventDestination": {**TO_BUS, "EventBridgeDestination": {"EventBusArn": f"{BUS}/other"}}},
        "Only the default event bus",
    ),
    ("CreateEmailIdentity", {"EmailIdentity": BOB, "DkimSigningAttributes": OWN_KEY}, "DkimSigningAttributes can"),
    ("CreateEmailTemplate", {"TemplateName": "new", "TemplateContent": {"Text": "Hello"}}, "The subject must be"),
    ("CreateContactList", {"ContactListName": "a b"}, "ContactListName can contain up to 64 characters"),
    ("UpdateContactList", {"Topics": [topic("a b")]}, "TopicName can contain up to 64 characters"),
    ("UpdateContactList", {"Topics": [topic("a"), topic("a")]}, "Duplicate topic names"),
    ("UpdateContactList", {"Topics": [topic(f"t{i}") for i in range(21)]}, "Maximum of <20> topics"),
    ("UpdateContactList", {"Description": "x" * 501}, "List description can contain up to 500"),
    ("ListEmailIdentities", {"Filter": {"NAME": "x"}}, "Filter.NAME must be one of IDENTITY_NAME_CONTAINS"),
    ("ListRecommendations", {"Filter": {}}, "Filter is below its minimum of 1"),
    ("PutEmailIdentityDkimAttributes", {"EmailIdentity": "none.test"}, "Domain none.test is not verified for DKIM"),
    ("CreateEmailIdentityPolicy", {"PolicyName": "a b"}, "Invalid policy name <a b>"),
    ("UpdateEmailIdentityPolicy", {"Policy": LONG_POLICY}, "Invalid policy document: it is longer"),
]


@pytest.mark.parametrize(("name", "asked", "refusal"), AGAINST_THE_RULES)
def test_requests_that_aws_documents_as_invalid_are_refused(
    ses: "SESV2Client", made: dict[str, str], name: str, asked: dict[str, Any], refusal: str
):
    parameters = {**parameters_of(MODEL.operation_model(name), made), **asked}
    with pytest.raises(ses.exceptions.BadRequestException) as raised:
        call(ses, name, parameters)
    assert raised.value.response["Error"]["Message"].startswith(refusal)


def test_the_tenants_of_what_is_not_there_are_not_found(ses: "SESV2Client"):
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.list_resource_tenants(ResourceArn=f"{ARN}:identity/none.test")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_reputation_entity(
            ReputationEntityType="RESOURCE", ReputationEntityReference=f"{ARN}:tenant/none/tn-0000000000000000"
        )
