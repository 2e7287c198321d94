"""Reasons why mail is not delivered, on the inbox page and in the control plane, and how to undo them."""

import smtplib
import ssl
import urllib.parse
from collections.abc import Callable
from email.message import EmailMessage
from http.client import HTTPConnection
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
SENDER = "Shop <shop@example.test>"


@pytest.fixture
def ours(cloud: LocalCloud) -> LocalCloud:
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    ses.create_configuration_set(ConfigurationSetName="news")
    return cloud


def ask(cloud: LocalCloud, method: str, path: str, **form: str) -> tuple[int, str]:
    host = cloud.endpoint.removeprefix("http://")
    connection = HTTPConnection(host, timeout=PATIENCE)
    try:
        connection.request(method, path, urllib.parse.urlencode(form) or None, {"Origin": f"http://{host}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def state(cloud: LocalCloud) -> str:
    """The line of state, as text."""
    _, page = ask(cloud, "GET", "/inbox")
    return page.partition('id="state"')[2].partition("</section>")[0]


def simple(subject: str = "Hello") -> Any:
    return {"Simple": {"Subject": {"Data": subject}, "Body": {"Text": {"Data": "Hello"}}}}


def send(cloud: LocalCloud, **more: Any) -> str:
    asked: dict[str, Any] = {
        "FromEmailAddress": SENDER,
        "Destination": {"ToAddresses": ["ada@example.com"]},
        "Content": simple(),
        **more,
    }
    return cloud.client("sesv2").send_email(**asked)["MessageId"]


def pause_tenant(cloud: LocalCloud) -> None:
    arn = cloud.client("sesv2").create_tenant(TenantName="acme")["TenantArn"]
    cloud.client("sesv2").update_reputation_entity_customer_managed_status(
        ReputationEntityType="RESOURCE", ReputationEntityReference=arn, SendingStatus="DISABLED"
    )


# What keeps mail back → how it comes about, what the page says, the way back.
CASES: dict[str, tuple[Callable[[LocalCloud], object], str, dict[str, str]]] = {
    "account paused": (
        lambda cloud: cloud.client("sesv2").put_account_sending_attributes(SendingEnabled=False),
        "The account is paused",
        {"action": "resume-account"},
    ),
    "account shut down": (
        lambda cloud: cloud.control("PUT", "account", {"enforcement_status": "SHUTDOWN"}),
        "The account is shut down",
        {"action": "reinstate-account"},
    ),
    "account under review": (
        lambda cloud: cloud.control("PUT", "account", {"enforcement_status": "PROBATION"}),
        "The account is under review",
        {"action": "reinstate-account"},
    ),
    "sandbox": (
        lambda cloud: cloud.control("PUT", "account", {"production_access": False}),
        "Sandbox",
        {"action": "leave-sandbox"},
    ),
    "stream paused": (
        lambda cloud: cloud.client("sesv2").put_configuration_set_sending_options(
            ConfigurationSetName="news", SendingEnabled=False
        ),
        "Stream news is paused",
        {"action": "resume-stream", "target": "news"},
    ),
    "tenant paused": (pause_tenant, "Tenant acme is paused", {"action": "resume-tenant", "target": "acme"}),
    "suppressed": (
        lambda cloud: cloud.client("sesv2").put_suppressed_destination(
            EmailAddress="Grace@example.com", Reason="BOUNCE"
        ),
        "1 suppressed",
        {"action": "unsuppress", "target": "Grace@example.com"},
    ),
    "all suppressed": (
        lambda cloud: [
            cloud.client("sesv2").put_suppressed_destination(EmailAddress=f"{name}@example.com", Reason="COMPLAINT")
            for name in ("ada", "grace")
        ],
        "2 suppressed",
        {"action": "unsuppress-all"},
    ),
    "fault": (
        lambda cloud: cloud.control("PUT", "faults/one", {"effect": "throttle", "operation": "Send*"}),
        "1 fault in force",
        {"action": "delete-fault", "target": "one"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_reasons_for_suppression_show_on_every_page(ours: LocalCloud, case: str):
    happens, text, back = CASES[case]
    message_id = send(ours)
    pages = ("/", "/inbox", f"/inbox/{message_id}")
    assert all(text not in ask(ours, "GET", path)[1] for path in pages)
    happens(ours)
    for path in pages:
        assert text in ask(ours, "GET", path)[1]
    assert f'value="{back["action"]}"' in state(ours), "the way back is a button"
    assert ask(ours, "POST", "/inbox/state", **back)[0] == 303
    assert text not in state(ours)
    assert "Sending is on" in state(ours)
    assert send(ours, ConfigurationSetName="news")


def test_a_tenants_own_suppressions_are_shown_and_removed(ours: LocalCloud):
    ses = ours.client("sesv2")
    ses.create_tenant(TenantName="acme")
    ses.put_suppressed_destination(EmailAddress="ada@example.com", Reason="BOUNCE", TenantName="acme")
    assert "bounce, tenant acme" in state(ours)
    assert ask(ours, "POST", "/inbox/state", action="unsuppress", target="ada@example.com")[0] == 400
    assert ask(ours, "POST", "/inbox/state", action="unsuppress", target="ada@example.com", tenant="acme")[0] == 303
    assert "nobody suppressed" in state(ours)


def test_a_list_that_is_not_in_force_says_so(ours: LocalCloud):
    ses = ours.client("sesv2")
    ses.put_suppressed_destination(EmailAddress="ada@example.com", Reason="BOUNCE")
    assert "all the same" not in state(ours)
    assert '<span class="chip warn">suppressed</span>' in ask(ours, "GET", f"/inbox/{send(ours)}")[1]
    ses.put_account_suppression_attributes(SuppressedReasons=["COMPLAINT"])
    assert "bounce, but the account sends to it all the same" in state(ours)
    assert '<span class="chip warn">suppressed</span>' not in ask(ours, "GET", f"/inbox/{send(ours)}")[1]


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({}, "action must be one of resume-account"),
        ({"action": "format-disk"}, "action must be one of"),
        ({"action": "resume-stream", "target": "none"}, "Configuration set <none> does not exist"),
        ({"action": "resume-tenant", "target": "none"}, "Tenant <none> does not exist"),
        ({"action": "unsuppress", "target": "ada@example.com"}, "does not exist on your suppression list"),
    ],
)
def test_a_way_back_that_leads_nowhere_is_refused(ours: LocalCloud, form: dict[str, str], problem: str):
    status, text = ask(ours, "POST", "/inbox/state", **form)
    assert (status, problem in text) == (400, True)
    assert ask(ours, "GET", "/inbox/state")[0] == 405


def over_smtp(cloud: LocalCloud) -> None:
    smtp, mail = cloud.smtp, EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "x@other.test", "ada@example.com", "Hi"
    mail.set_content("Hello")
    with smtplib.SMTP(smtp.host, smtp.port) as client:
        client.starttls(context=ssl.create_default_context(cafile=smtp.certificate))
        client.login(smtp.username, smtp.password)
        client.send_message(mail)


def raw(cloud: LocalCloud) -> None:
    mail = b"From: x@other.test\r\nTo: ada@example.com\r\nSubject: =?utf-8?q?Hi?=\r\n\r\nHello"
    cloud.client("sesv2").send_email(Content={"Raw": {"Data": mail}})


def first_api(cloud: LocalCloud) -> None:
    message: Any = {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hello"}}}
    destination = {"ToAddresses": ["ada@example.com"]}
    cloud.client("ses").send_email(Source="x@other.test", Destination=destination, Message=message)


def bulk(cloud: LocalCloud, sender: str, *recipients: str) -> None:
    template: Any = {"TemplateContent": {"Subject": "Hi", "Text": "Hello"}, "TemplateData": "{}"}
    cloud.client("sesv2").send_bulk_email(
        FromEmailAddress=sender,
        DefaultContent={"Template": template},
        BulkEmailEntries=[{"Destination": {"ToAddresses": [one]}} for one in recipients],
    )


@pytest.mark.parametrize(
    ("sends", "operation"),
    [
        (lambda cloud: send(cloud, FromEmailAddress="x@other.test", Content=simple("Hi")), "SendEmail"),
        (raw, "SendEmail"),
        (over_smtp, "SendSmtpEmail"),
        (first_api, "SendEmail"),
        (lambda cloud: bulk(cloud, "x@other.test", "ada@example.com"), "SendBulkEmail"),
    ],
    ids=["simple", "raw", "SMTP", "first API", "bulk"],
)
def test_refused_send_is_shown_for_every_protocol(
    ours: LocalCloud, sends: Callable[[LocalCloud], object], operation: str
):
    with pytest.raises((ClientError, smtplib.SMTPException)):
        sends(ours)
    [refused] = ours.control("GET", "refusals")["refusals"]
    assert (refused["operation"], refused["code"], refused["times"]) == (operation, "MessageRejected", 1)
    assert (refused["source"], refused["recipients"]) == ("x@other.test", ["ada@example.com"])
    assert refused["subject"] == ("" if operation == "SendBulkEmail" else "Hi")
    assert "Email address is not verified" in refused["reason"]
    assert "1 refused" in state(ours)
    assert "x@other.test → ada@example.com" in state(ours)


def test_a_refused_entry_of_a_bulk_call_is_seen(ours: LocalCloud):
    bulk(ours, SENDER, "grace@example.com", "no address")
    [refused] = ours.control("GET", "refusals")["refusals"]
    assert (refused["code"], refused["recipients"]) == ("BadRequestException", ["no address"])


def test_refusals_for_one_reason_are_counted_and_forgotten(ours: LocalCloud):
    ours.client("sesv2").put_account_sending_attributes(SendingEnabled=False)
    for number in range(3):
        with pytest.raises(ClientError):
            send(ours, Content=simple(f"Number {number}"))
    [refused] = ours.control("GET", "refusals")["refusals"]
    assert (refused["times"], refused["subject"]) == (3, "Number 2")
    for number in range(60):
        with pytest.raises(ClientError):
            send(ours, FromEmailAddress=f"{number}@other.test")
    assert len(ours.control("GET", "refusals")["refusals"]) == 50, "bounded"
    assert ask(ours, "POST", "/inbox/state", action="forget-refusals")[0] == 303
    assert "nothing refused" in state(ours)
    with pytest.raises(ClientError):
        send(ours)
    ours.control("DELETE", "refusals")
    assert ours.control("GET", "refusals")["refusals"] == []


def test_only_sends_are_listed_as_refused_mail(ours: LocalCloud):
    with pytest.raises(ClientError):
        ours.client("sesv2").get_email_template(TemplateName="none")
    assert ours.control("GET", "refusals")["refusals"] == []


@pytest.mark.parametrize("by", ["page", "control plane"])
def test_clearing_the_inbox_keeps_counts_and_suppressions(ours: LocalCloud, by: str):
    message_id = send(ours)
    ours.control("POST", f"messages/{message_id}/events", {"event": "bounce"})
    if by == "page":
        assert ask(ours, "POST", "/inbox/state", action="clear-inbox")[0] == 303
    else:
        ours.control("DELETE", "messages")
    assert "No mail yet" in ask(ours, "GET", "/inbox")[1]
    assert ask(ours, "GET", f"/inbox/{message_id}")[0] == 404
    assert "1 suppressed" in state(ours)
    assert ours.client("sesv2").get_account()["SendQuota"]["SentLast24Hours"] == 1
    assert send(ours)


def test_stream_sender_and_tags_have_columns(ours: LocalCloud):
    tags = [{"Name": f"tag-{number}", "Value": "x"} for number in range(5)]
    send(
        ours,
        ConfigurationSetName="news",
        EmailTags=tags,
        FromEmailAddress="=?utf-8?q?B=C3=BCcher?= <shop@example.test>",
    )
    _, page = ask(ours, "GET", "/inbox")
    row = page.partition('class="row"')[2].partition("</li>")[0]
    assert "<bdi>Bücher</bdi>" in row
    assert '<span class="only">Stream </span>news' in row
    assert [f"tag-{n}: x" in row for n in range(5)] == [True, True, True, False, False]
    assert "and 2 more" in row


def test_user_text_is_escaped_on_every_page(ours: LocalCloud):
    bad = "<script>x()</script>"
    encoded = "=?utf-8?q?=3Cscript=3Ex=28=29=3C/script=3E?="
    send(ours, FromEmailAddress=f"{encoded} <shop@example.test>", Content=simple(encoded))
    with pytest.raises(ClientError):
        send(ours, FromEmailAddress=f"{encoded} <x@other.test>", Content=simple(bad), ConfigurationSetName="news")
    ours.control("PUT", f"faults/{urllib.parse.quote(bad, safe='')}", {"effect": "slow", "recipient": bad})
    _, page = ask(ours, "GET", "/inbox")
    assert page.count("<script") == 1
    assert page.count("&lt;script&gt;x()&lt;/script&gt;") > 5


def test_text_that_is_no_unicode_does_not_break_the_page(ours: LocalCloud):
    broken = "=?utf-7?q?+2AA-?="  # decodes to half of a surrogate pair
    message_id = send(ours, FromEmailAddress=f"{broken} <shop@example.test>", Content=simple(broken))
    for path in ("/inbox", f"/inbox/{message_id}", f"/inbox?q={message_id}"):
        assert ask(ours, "GET", path)[0] == 200
