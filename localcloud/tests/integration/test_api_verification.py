"""Addresses that are verified by the link in a mail, SES's own or a custom one, through boto3 and a browser."""

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from mailstack_localcloud import LocalCloud, LocalCloudError
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

TEMPLATE: Any = {
    "FromEmailAddress": "Ada@example.test",
    "TemplateSubject": "Please confirm",
    "TemplateContent": "<h1>Welcome</h1>",
    "SuccessRedirectionURL": "https://example.com/yes?a=1",
    "FailureRedirectionURL": "https://example.com/no",
}


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    client = cloud.client("sesv2")
    client.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    return client


def mail(cloud: LocalCloud, recipient: str) -> Any:
    """The newest mail to an address, as its reader sees it."""
    newest = cloud.control("GET", f"messages?recipient={recipient}")["messages"][0]
    return newest | cloud.control("GET", f"messages/{newest['message_id']}/content")


def visit(url: str) -> tuple[int, str, str]:
    """Status, place to go on to, and text."""
    at = urlsplit(url)
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=PATIENCE)
    connection.request("GET", at.path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get("location", ""), text


def verified(ses: "SESV2Client", address: str) -> bool:
    return ses.get_email_identity(EmailIdentity=address)["VerifiedForSendingStatus"]


def test_an_address_is_verified_by_the_link_in_ses_s_own_mail(cloud: LocalCloud, ses: "SESV2Client"):
    ses.create_email_identity(EmailIdentity="Bob@example.org")
    found = mail(cloud, "bob@example.org")
    assert (found["source"], found["to"]) == ("no-reply-aws@amazon.com", ["Bob@example.org"])
    assert not verified(ses, "Bob@example.org")
    (link,) = found["links"]
    status, _, text = visit(link)
    assert (status, "You have verified an email address" in text) == (200, True)
    assert verified(ses, "Bob@example.org")
    assert ses.get_account()["SendQuota"]["SentLast24Hours"] == 0


def test_unknown_verification_link_verifies_nothing(cloud: LocalCloud, ses: "SESV2Client"):
    ses.create_email_identity(EmailIdentity="bob@example.org")
    (link,) = mail(cloud, "bob@example.org")["links"]
    ses.delete_email_identity(EmailIdentity="bob@example.org")
    assert visit(link)[0] == 400
    assert visit(f"{link}x")[0] == 400


def test_v1_sends_another_mail_for_a_pending_address(cloud: LocalCloud, ses: "SESV2Client"):
    ses.create_email_identity(EmailIdentity="bob@example.org")
    cloud.client("ses").verify_email_identity(EmailAddress="bob@example.org")
    mails = cloud.control("GET", "messages?recipient=bob@example.org")["messages"]
    assert len(mails) == 2
    cloud.control("POST", "identities/bob@example.org/verify")
    cloud.client("ses").verify_email_identity(EmailAddress="bob@example.org")
    assert len(cloud.control("GET", "messages?recipient=bob@example.org")["messages"]) == 2


def test_a_setting_that_verifies_at_once_sends_no_mail(cloud: LocalCloud, ses: "SESV2Client"):
    cloud.control("PUT", "account", {"verify_at_once": True})
    ses.create_email_identity(EmailIdentity="bob@example.org")
    assert verified(ses, "bob@example.org")
    assert cloud.control("GET", "messages")["messages"] == []


def test_a_custom_mail_leads_on_to_where_its_template_says(cloud: LocalCloud, ses: "SESV2Client"):
    ses.create_configuration_set(ConfigurationSetName="signup")
    ses.create_custom_verification_email_template(TemplateName="welcome", **TEMPLATE)
    sent = ses.send_custom_verification_email(
        EmailAddress="bob@example.org", TemplateName="welcome", ConfigurationSetName="signup"
    )
    found = mail(cloud, "bob@example.org")
    assert (found["message_id"], found["source"]) == (sent["MessageId"], "Ada@example.test")
    assert (found["subject"], found["configuration_set"]) == ("Please confirm", "signup")
    assert found["html"].startswith("<h1>Welcome</h1>")
    assert [occurrence["kind"] for occurrence in found["occurrences"]] == ["Send", "Delivery"]
    assert not verified(ses, "bob@example.org")
    with pytest.raises(LocalCloudError, match=r"SES does not track this event of this mail \(Open\)"):
        cloud.control("POST", f"messages/{sent['MessageId']}/events", {"event": "open"})
    (link,) = found["links"]
    assert visit(link)[:2] == (302, "https://example.com/yes?a=1")
    assert verified(ses, "bob@example.org")
    ses.delete_email_identity(EmailIdentity="bob@example.org")
    assert visit(link)[:2] == (302, "https://example.com/no")


def test_a_template_is_changed_listed_and_deleted(ses: "SESV2Client"):
    tags = [{"Key": "team", "Value": "mail"}]
    tagged: dict[str, Any] = {**TEMPLATE, "Tags": tags}
    ses.create_custom_verification_email_template(TemplateName="welcome", **tagged)
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_custom_verification_email_template(TemplateName="welcome", **TEMPLATE)
    ses.update_custom_verification_email_template(TemplateName="welcome", **{**TEMPLATE, "TemplateSubject": "New"})
    found = ses.get_custom_verification_email_template(TemplateName="welcome")
    assert (found["TemplateSubject"], found["TemplateContent"], found["Tags"]) == ("New", "<h1>Welcome</h1>", tags)
    listed = ses.list_custom_verification_email_templates()["CustomVerificationEmailTemplates"]
    assert [one.get("TemplateName") for one in listed] == ["welcome"]
    ses.delete_custom_verification_email_template(TemplateName="welcome")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_custom_verification_email_template(TemplateName="welcome")


def test_only_a_verified_sender_asks_and_not_from_the_sandbox(cloud: LocalCloud, ses: "SESV2Client"):
    unverified: dict[str, Any] = {**TEMPLATE, "FromEmailAddress": "ada@example.org"}
    with pytest.raises(ses.exceptions.NotFoundException, match=r"FromEmailAddress <ada@example\.org> is not verified"):
        ses.create_custom_verification_email_template(TemplateName="welcome", **unverified)
    ses.create_custom_verification_email_template(TemplateName="welcome", **TEMPLATE)
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.send_custom_verification_email(EmailAddress="bob@example.org", TemplateName="none")
    cloud.control("PUT", "account", {"production_access": False})
    with pytest.raises(ses.exceptions.BadRequestException, match="production access"):
        ses.send_custom_verification_email(EmailAddress="bob@example.org", TemplateName="welcome")
    assert "bob@example.org" not in str(ses.list_email_identities()["EmailIdentities"])


def test_an_account_has_fifty_templates_at_most(ses: "SESV2Client"):
    for number in range(50):
        ses.create_custom_verification_email_template(TemplateName=f"t{number}", **TEMPLATE)
    with pytest.raises(ses.exceptions.LimitExceededException):
        ses.create_custom_verification_email_template(TemplateName="one-more", **TEMPLATE)
