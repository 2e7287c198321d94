"""Bulk calls of which a fault strikes single entries, through boto3."""

from typing import TYPE_CHECKING, Any

import pytest

from mailstack_localcloud import LocalCloud, LocalCloudError

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

TO = ("ada@example.com", "bob@example.com", "eve@example.org")
TEMPLATE: Any = {"TemplateContent": {"Subject": "Hello", "Text": "Hello"}, "TemplateData": "{}"}


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    client = cloud.client("sesv2")
    client.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    return client


def send(ses: "SESV2Client") -> list[tuple[str, str]]:
    """Status and error of each entry."""
    entries: Any = [{"Destination": {"ToAddresses": [address]}} for address in TO]
    sent = ses.send_bulk_email(
        FromEmailAddress="ada@example.test", DefaultContent={"Template": TEMPLATE}, BulkEmailEntries=entries
    )
    return [(one.get("Status", ""), one.get("Error", "")) for one in sent["BulkEmailEntryResults"]]


def arrived(cloud: LocalCloud) -> list[str]:
    return [mail["to"][0] for mail in reversed(cloud.control("GET", "messages")["messages"])]


@pytest.mark.parametrize(
    ("effect", "options", "status"),
    [
        ("throttle", {}, "ACCOUNT_THROTTLED"),
        ("error", {"code": "MessageRejected"}, "MESSAGE_REJECTED"),
        ("error", {"code": "MailFromDomainNotVerifiedException"}, "MAIL_FROM_DOMAIN_NOT_VERIFIED"),
        ("error", {"code": "BadRequestException"}, "INVALID_PARAMETER"),
        ("error", {"code": "AccountSuspendedException"}, "ACCOUNT_SUSPENDED"),
        ("error", {"code": "SendingPausedException"}, "ACCOUNT_SENDING_PAUSED"),
        ("error", {"code": "LimitExceededException"}, "ACCOUNT_DAILY_QUOTA_EXCEEDED"),
        ("error", {"code": "InternalFailure", "status": 500}, "TRANSIENT_FAILURE"),
        ("error", {"code": "Whatever", "status": 418}, "FAILED"),
        ("error", {"code": "CONFIGURATION_SET_NOT_FOUND", "operation": "SendBulkEmail"}, "CONFIGURATION_SET_NOT_FOUND"),
        ("error", {"code": "TRANSIENT_FAILURE", "operation": "SendBulkEmail"}, "TRANSIENT_FAILURE"),
    ],
)
def test_recipient_fault_strikes_its_bulk_entry_only(
    cloud: LocalCloud, ses: "SESV2Client", effect: Any, options: dict[str, Any], status: str
):
    with cloud.fault(effect, recipient="bob@*", **options) as fault:
        results = send(ses)
        assert [one for one, _ in results] == ["SUCCESS", status, "SUCCESS"]
        assert results[1][1]
        assert fault.struck == 1
    assert arrived(cloud) == [TO[0], TO[2]]


def test_fault_strikes_the_given_number_of_entries(cloud: LocalCloud, ses: "SESV2Client"):
    with cloud.fault("throttle", recipient="*@example.com", times=1) as fault:
        assert [one for one, _ in send(ses)] == ["ACCOUNT_THROTTLED", "SUCCESS", "SUCCESS"]
        assert [one for one, _ in send(ses)] == ["SUCCESS", "SUCCESS", "SUCCESS"]
        assert fault.struck == 1


def test_without_a_recipient_it_strikes_the_whole_call(cloud: LocalCloud, ses: "SESV2Client"):
    with cloud.fault("throttle", operation="SendBulkEmail"), pytest.raises(ses.exceptions.TooManyRequestsException):
        send(ses)
    assert arrived(cloud) == []


def test_a_status_that_no_entry_could_have_is_refused(cloud: LocalCloud):
    with pytest.raises(LocalCloudError, match="TRANSIENT_FAILURE is the status of an entry"):
        cloud.control("PUT", "faults/mine", {"effect": "error", "code": "TRANSIENT_FAILURE"})


MERGES = [
    ('{"a": {"x": "dx", "y": "dy"}}', '{"a": {"x": "rx"}}', "{{a.x}} {{a.y}}", "rx dy"),
    ('{"a": {"b": {"c": "1", "d": "2"}}}', '{"a": {"b": {"d": "3"}}}', "{{a.b.c}}{{a.b.d}}", "13"),
    ('{"a": "1", "b": "2"}', '{"b": "3"}', "{{a}}{{b}}", "13"),
    ('{"a": ["1", "2"]}', '{"a": ["3"]}', "{{#each a}}{{this}}{{/each}}", "3"),
    ('{"a": {"x": "1"}}', '{"a": "2"}', "{{a}}", "2"),
    ('{"a": "1"}', '{"a": {"x": "2"}}', "{{a.x}}", "2"),
    ('{"a": {"x": "1"}}', "{}", "{{a.x}}", "1"),
    ('{"a": {"x": "1"}}', None, "{{a.x}}", "1"),
]


@pytest.mark.parametrize(("defaults", "own", "template", "text"), MERGES)
@pytest.mark.parametrize("version", [1, 2])
def test_data_of_a_destination_is_merged_into_the_defaults(
    cloud: LocalCloud, ses: "SESV2Client", defaults: str, own: str | None, template: str, text: str, version: int
):
    ses.create_email_template(TemplateName="t", TemplateContent={"Subject": "Hello", "Text": template})
    to: Any = {"Destination": {"ToAddresses": ["ada@example.com", "bob@example.com"]}}
    if version == 2:
        given = {"ReplacementTemplate": {"ReplacementTemplateData": own}} if own else {}
        entry: Any = {**to, "ReplacementEmailContent": given} if own else to
        content: Any = {"Template": {"TemplateName": "t", "TemplateData": defaults}}
        ses.send_bulk_email(FromEmailAddress="ada@example.test", DefaultContent=content, BulkEmailEntries=[entry, to])
    else:
        destination: Any = {**to, "ReplacementTemplateData": own} if own else to
        cloud.client("ses").send_bulk_templated_email(
            Source="ada@example.test", Template="t", DefaultTemplateData=defaults, Destinations=[destination, to]
        )
    first = cloud.control("GET", "messages")["messages"][-1]
    assert cloud.control("GET", f"messages/{first['message_id']}/content")["text"].rstrip() == text


def test_one_destination_leaves_the_defaults_of_the_next(cloud: LocalCloud, ses: "SESV2Client"):
    content: Any = {"Subject": "Hello", "Text": "{{a.x}}{{a.y}}"}
    default: Any = {"Template": {"TemplateContent": content, "TemplateData": '{"a": {"x": "1", "y": "2"}}'}}
    entries: Any = [
        {
            "Destination": {"ToAddresses": [address]},
            "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": own}},
        }
        for address, own in ((TO[0], '{"a": {"x": "3"}}'), (TO[1], '{"a": {"y": "4"}}'))
    ]
    ses.send_bulk_email(FromEmailAddress="ada@example.test", DefaultContent=default, BulkEmailEntries=entries)
    sent = reversed(cloud.control("GET", "messages")["messages"])
    texts = [cloud.control("GET", f"messages/{one['message_id']}/content")["text"].rstrip() for one in sent]
    assert texts == ["32", "14"]
