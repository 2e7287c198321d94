"""Templates and bulk mail in the emulated SES, through boto3."""

import json
from email import message_from_string
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

WELCOME: Any = {"Subject": "Hi {{name}}", "Text": "Hello {{name}}", "Html": "<p>Hello {{name}}</p>"}
PASS_THROUGH: Any = {"Subject": "{{subject}}", "Text": "{{text}}", "Html": "{{html}}"}
SENDER = "Ada Lovelace <ada@example.test>"


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    client = cloud.client("sesv2")
    client.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    return client


def entry(address: str, data: object = None, **more: Any) -> Any:
    replacement = {"ReplacementTemplate": {"ReplacementTemplateData": json.dumps(data)}}
    content = {} if data is None else {"ReplacementEmailContent": replacement}
    return {"Destination": {"ToAddresses": [address]}, **content, **more}


def bulk(ses: "SESV2Client", template: Any, *entries: Any, **more: Any) -> list[Any]:
    sent = ses.send_bulk_email(
        FromEmailAddress=SENDER, DefaultContent={"Template": template}, BulkEmailEntries=list(entries), **more
    )
    return list(sent["BulkEmailEntryResults"])


def mail(cloud: LocalCloud, message_id: str) -> Any:
    return cloud.control("GET", f"messages/{message_id}")


def kinds(found: Any) -> list[str]:
    return [event["eventType"] for event in found["events"]]


def test_a_template_is_kept_changed_listed_and_forgotten(ses: "SESV2Client"):
    ses.create_email_template(TemplateName="welcome", TemplateContent=WELCOME, Tags=[{"Key": "stage", "Value": "test"}])
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_email_template(TemplateName="welcome", TemplateContent=WELCOME)
    ses.update_email_template(TemplateName="welcome", TemplateContent={"Subject": "Yo", "Text": "{{x}}"})
    found = ses.get_email_template(TemplateName="welcome")
    assert found["TemplateContent"] == {"Subject": "Yo", "Text": "{{x}}"}
    assert found.get("Tags") == [{"Key": "stage", "Value": "test"}]
    arn = "arn:aws:ses:us-east-1:000000000000:template/welcome"
    assert ses.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
    assert [t.get("TemplateName") for t in ses.list_email_templates()["TemplatesMetadata"]] == ["welcome"]
    ses.delete_email_template(TemplateName="welcome")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_email_template(TemplateName="welcome")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.delete_email_template(TemplateName="welcome")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a b", WELCOME, "Invalid template name"),
        ("a", {"Subject": "Hi"}, "needs a text or an HTML part"),
        ("a", {"Subject": "Hi", "Text": "{{#if x}}"}, "not closed"),
        ("a", {"Subject": "Hi", "Text": "x" * 512_001}, "bytes long"),
    ],
)
def test_a_template_that_ses_could_not_use_is_refused(ses: "SESV2Client", name: str, content: Any, problem: str):
    with pytest.raises(ses.exceptions.BadRequestException, match=problem):
        ses.create_email_template(TemplateName=name, TemplateContent=content)


def test_render_template_returns_a_mail_or_the_missing_variable(ses: "SESV2Client"):
    ses.create_email_template(TemplateName="welcome", TemplateContent=WELCOME)
    rendered = ses.test_render_email_template(TemplateName="welcome", TemplateData='{"name": "<Bob>"}')
    found = message_from_string(rendered["RenderedTemplate"])
    assert (found["Subject"], found.get_content_type()) == ("Hi <Bob>", "multipart/alternative")
    assert [str(part.get_payload()).strip() for part in found.walk()][1:] == ["Hello <Bob>", "<p>Hello <Bob></p>"]
    with pytest.raises(ses.exceptions.BadRequestException, match="Attribute 'name' is not present"):
        ses.test_render_email_template(TemplateName="welcome", TemplateData="{}")
    with pytest.raises(ses.exceptions.BadRequestException, match="not JSON"):
        ses.test_render_email_template(TemplateName="welcome", TemplateData="{")


@pytest.mark.parametrize(
    "template",
    [
        {"TemplateName": "welcome"},
        {"TemplateArn": "arn:aws:ses:us-east-1:000000000000:template/welcome"},
        {"TemplateContent": WELCOME},
    ],
)
def test_a_mail_is_sent_with_a_template_by_name_by_arn_or_inline(cloud: LocalCloud, ses: "SESV2Client", template: Any):
    ses.create_email_template(TemplateName="welcome", TemplateContent=WELCOME)
    headers = [{"Name": "X-Campaign", "Value": "spring"}]
    content: Any = {"Template": {**template, "TemplateData": '{"name": "Bob"}', "Headers": headers}}
    destination: Any = {"ToAddresses": ["bob@example.com"]}
    sent = ses.send_email(FromEmailAddress=SENDER, Destination=destination, Content=content)
    found = mail(cloud, sent["MessageId"])
    assert (found["subject"], kinds(found)) == ("Hi Bob", ["Send", "Delivery"])
    assert {"name": "X-Campaign", "value": "spring"} in found["events"][0]["mail"]["headers"]


def test_missing_variable_is_a_rendering_failure_event(cloud: LocalCloud, ses: "SESV2Client"):
    ses.create_email_template(TemplateName="welcome", TemplateContent=WELCOME)
    results = bulk(ses, {"TemplateName": "welcome"}, entry("bob@example.com", {"nom": "Bob"}))
    assert results[0]["Status"] == "SUCCESS"
    found = mail(cloud, results[0]["MessageId"])
    assert kinds(found) == ["Rendering Failure"]
    told = found["events"][0]["mail"]
    assert told["headersTruncated"] is False
    assert not {"headers", "commonHeaders"} & told.keys(), "there is no mail that could have headers"
    assert found["events"][0]["failure"] == {
        "errorMessage": "Attribute 'name' is not present in the rendering data.",
        "templateName": "welcome",
    }


def test_bulk_entries_have_their_own_data_headers_and_tags(cloud: LocalCloud, ses: "SESV2Client"):
    header = {"Name": "X-Campaign", "Value": "spring"}
    template = {"TemplateContent": WELCOME, "TemplateData": '{"name": "friend"}', "Headers": [header]}
    own = {
        "ReplacementHeaders": [{"Name": "x-campaign", "Value": "summer"}],
        "ReplacementTags": [{"Name": "kind", "Value": "vip"}],
    }
    results = bulk(
        ses,
        template,
        entry("bob@example.com"),
        entry("grace@example.com", {"name": "Grace"}, **own),
        DefaultEmailTags=[{"Name": "kind", "Value": "news"}, {"Name": "run", "Value": "7"}],
    )
    found = [mail(cloud, result["MessageId"]) for result in results]
    assert [m["subject"] for m in found] == ["Hi friend", "Hi Grace"]
    assert [(m["tags"]["kind"], m["tags"]["run"]) for m in found] == [(["news"], ["7"]), (["vip"], ["7"])]
    written = [{h["name"]: h["value"] for h in m["events"][0]["mail"]["headers"]} for m in found]
    assert [h.get("X-Campaign") or h["x-campaign"] for h in written] == ["spring", "summer"]
    assert len({result["MessageId"] for result in results}) == 2


def test_pass_through_template_carries_rendered_mails(cloud: LocalCloud, ses: "SESV2Client"):
    ready = [{"subject": f"No. {i}", "text": "{{not a tag}}", "html": f"<p>{i} & more</p>"} for i in range(50)]
    mails = [entry(f"r{i}@example.com", data) for i, data in enumerate(ready)]
    results = bulk(ses, {"TemplateContent": PASS_THROUGH}, *mails)
    assert [result["Status"] for result in results] == ["SUCCESS"] * 50
    assert mail(cloud, results[49]["MessageId"])["subject"] == "No. 49"


def test_a_wrong_entry_fails_alone(cloud: LocalCloud, ses: "SESV2Client"):
    results = bulk(
        ses,
        {"TemplateContent": WELCOME, "TemplateData": '{"name": "x"}'},
        entry("no-domain"),
        entry("bob@example.com"),
        entry("bob@example.com", ["a list"]),
        entry("bob@example.com", ReplacementTags=[{"Name": "a b", "Value": "c"}]),
    )
    assert [result["Status"] for result in results] == [
        "INVALID_PARAMETER",
        "SUCCESS",
        "INVALID_PARAMETER",
        "INVALID_PARAMETER",
    ]
    assert "Missing final '@domain'" in results[0]["Error"]
    assert "MessageId" not in results[0]
    assert len(cloud.control("GET", "messages")["messages"]) == 1


def test_entries_beyond_rate_and_quota_are_marked_as_such(cloud: LocalCloud, ses: "SESV2Client"):
    entries = [entry("bob@example.com", {"name": "x"}) for _ in range(3)]
    cloud.control("PUT", "account", {"max_send_rate": 0.01})
    statuses = [result["Status"] for result in bulk(ses, {"TemplateContent": WELCOME}, *entries)]
    assert statuses == ["SUCCESS", "ACCOUNT_THROTTLED", "ACCOUNT_THROTTLED"]
    cloud.control("PUT", "account", {"max_send_rate": -1, "max_24_hour_send": 3.0})
    statuses = [result["Status"] for result in bulk(ses, {"TemplateContent": WELCOME}, *entries)]
    assert statuses == ["SUCCESS", "SUCCESS", "ACCOUNT_DAILY_QUOTA_EXCEEDED"]


def test_in_the_sandbox_an_unverified_recipient_fails_alone(cloud: LocalCloud, ses: "SESV2Client"):
    cloud.control("PUT", "account", {"production_access": False})
    simulator = entry("success@simulator.amazonses.com", {"name": "x"})
    results = bulk(ses, {"TemplateContent": WELCOME}, simulator, entry("bob@example.com", {"name": "x"}))
    assert [result["Status"] for result in results] == ["SUCCESS", "MESSAGE_REJECTED"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"FromEmailAddress": "eve@example.org"}, "MessageRejected"),
        ({"FromEmailAddress": ""}, "BadRequestException"),
        ({"ConfigurationSetName": "nothing"}, "NotFoundException"),
        ({"DefaultContent": {"Template": {"TemplateName": "nothing"}}}, "NotFoundException"),
        ({"DefaultContent": {"Template": {}}}, "BadRequestException"),
        ({"DefaultContent": {}}, "BadRequestException"),
        ({"BulkEmailEntries": []}, "BadRequestException"),
        ({"BulkEmailEntries": [entry("bob@example.com", {"name": "x"})] * 51}, "BadRequestException"),
    ],
)
def test_wrong_sender_or_template_fails_the_bulk_call(ses: "SESV2Client", change: Any, code: str):
    whole: Any = {
        "FromEmailAddress": SENDER,
        "DefaultContent": {"Template": {"TemplateContent": WELCOME}},
        "BulkEmailEntries": [entry("bob@example.com", {"name": "x"})],
    }
    with pytest.raises(ClientError) as raised:
        ses.send_bulk_email(**{**whole, **change})
    assert raised.value.response["Error"]["Code"] == code
