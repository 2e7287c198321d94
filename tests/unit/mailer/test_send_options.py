"""Every member of SES's `SendEmail` is an option of the library, or is left out for a stated reason."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from email.message import EmailMessage
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.validate import validate_parameters

from mailer.address import Address
from mailer.attachment import Attachment
from mailer.catalog import PasswordReset, VerificationCode, Welcome
from mailer.content import RawMime, StoredTemplate
from mailer.errors import ConfigurationError, InvalidMessage
from mailer.mailer import Mailer
from mailer.message import MAX_HEADERS, Message
from mailer.options import SendOptions
from mailer.redaction import Secret
from mailer.templates.brand import Brand
from mailer.templates.compose import compose
from mailer.testing.memory import MemorySuppressions
from mailer.testing.outbox import Outbox
from mailer.transports.ses import SesTransport, message_id_header, send_email_request
from tests.unit.mailer.scripted_ses import ScriptedSes, scripted_ses
from tests.unit.mailer.stack_outputs import outputs

IDENTITY = "arn:aws:ses:eu-west-1:123456789012:identity/example.com"
TEMPLATE = "arn:aws:ses:eu-west-1:123456789012:template/welcome"
RAW = b"From: Shop <shop@example.com>\nTo: ada@example.org\nSubject: Hello\n\nHello Ada\n"
# Members that the library does not send, and why.
LEFT_OUT = {
    "Content.Template.TemplateContent": "templates of the library are rendered here, where values are escaped",
}
EVERYTHING = SendOptions(
    feedback_address="feedback@example.com",
    identity_arn=IDENTITY,
    feedback_identity_arn=IDENTITY,
    contact_list="readers",
    topic="weekly",
    track_opens=False,
    track_clicks=True,
)
FILE = Attachment("logo.png", b"\x89PNG", content_id="logo", description="Our logo")


def request_of(message: Message, **where: str) -> dict[str, Any]:
    ready = message.filled_in(sender=Address("no-reply@example.test"), stream="news").identified("0f")
    return {**send_email_request(ready, "set", **where)}


def message(**parts: Any) -> Message:
    given: dict[str, Any] = {"subject": "Hello", "text": "Hello", "html": "<p>Hello</p>", "to": "ada@example.com"}
    return Message(**{**given, **parts})


FULL = [
    request_of(
        message(options=EVERYTHING, headers={"X-A": "1"}, attachments=FILE, reply_to="a@example.com"),
        tenant="acme",
        endpoint="abc.123",
    ),
    request_of(
        Message(
            template=StoredTemplate("welcome", {"name": "Ada"}),
            to="ada@example.com",
            attachments=FILE,
            headers={"X-A": "1"},
        )
    ),
    request_of(Message(template=StoredTemplate(arn=TEMPLATE), to="ada@example.com")),
    request_of(Message(raw=RawMime(RAW))),
]


def model() -> StructureShape:
    loaded = ServiceModel(Loader().load_service_model("sesv2", "service-2"), "sesv2")
    shape = loaded.operation_model("SendEmail").input_shape
    assert isinstance(shape, StructureShape)
    return shape


def members(shape: Shape, path: str = "") -> Iterator[str]:
    if isinstance(shape, ListShape):
        yield from members(shape.member, path)
    elif isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            here = f"{path}.{name}".lstrip(".")
            if here not in LEFT_OUT:
                yield here
                yield from members(member, here)


def sent(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from sent(one, path)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield f"{path}.{name}".lstrip(".")
            yield from sent(one, f"{path}.{name}")


def test_every_member_of_send_email_is_sent_by_an_option():
    assert {path for request in FULL for path in sent(request)} == set(members(model()))


def test_members_left_out_exist_in_the_service_model():
    for path in LEFT_OUT:
        shape: Any = model()
        for name in path.split("."):
            shape = shape.members[name]


@pytest.mark.parametrize("request_", FULL)
def test_botocore_accepts_every_request(request_: dict[str, Any]):
    assert validate_parameters(request_, model()) is None


def test_options_reach_the_members_of_their_names():
    request = FULL[0]
    assert request["FeedbackForwardingEmailAddress"] == "feedback@example.com"
    assert request["FromEmailAddressIdentityArn"] == IDENTITY
    assert request["ListManagementOptions"] == {"ContactListName": "readers", "TopicName": "weekly"}
    assert request["ConfigurationOverrides"]["Tracking"] == {
        "OpenTrackingEnabled": "DISABLED",
        "ClickTrackingEnabled": "ENABLED",
    }
    (file,) = request["Content"]["Simple"]["Attachments"]
    assert (file["ContentDescription"], file["ContentDisposition"]) == ("Our logo", "INLINE")


def test_a_message_without_options_sends_no_optional_member():
    plain = request_of(message())
    assert plain.keys().isdisjoint({one for one in FULL[0] if one not in plain})
    assert "ConfigurationOverrides" not in plain


BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"identity_arn": "example.com"}, "identity_arn is no ARN"),
    ({"identity_arn": f"{IDENTITY}\r\nX: 1"}, "identity_arn is no ARN"),
    ({"feedback_identity_arn": IDENTITY}, "needs feedback_address"),
    ({"topic": "weekly"}, "topic needs contact_list"),
    ({"track_opens": "no"}, "track_opens is not True"),
    ({"feedback_address": "nobody"}, "has no @"),
    ({"contact_list": 7}, "not text"),
]


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS)
def test_invalid_options_are_refused_with_a_hint(options: dict[str, Any], words: str):
    with pytest.raises(InvalidMessage, match=words) as error:
        SendOptions(**options)
    assert error.value.hint


STORED, MIME = StoredTemplate("welcome"), RawMime(RAW)
COMBINATIONS: list[tuple[dict[str, Any], str]] = [
    ({"template": STORED, "subject": "Hello"}, "`subject` cannot be used with `template`"),
    ({"template": STORED, "html": "<p>"}, "`html` cannot be used with `template`"),
    ({"raw": MIME, "subject": "Hello"}, "`subject` cannot be used with `raw`"),
    ({"raw": MIME, "headers": {"X-A": "1"}}, "`headers` cannot be used with `raw`"),
    ({"raw": MIME, "attachments": FILE}, "`attachments` cannot be used with `raw`"),
    ({"raw": MIME, "reply_to": "a@example.com"}, "`reply_to` cannot be used with `raw`"),
    ({"raw": MIME, "template": STORED}, "`template` cannot be used with `raw`"),
    ({"raw": MIME, "sender": "other@example.com"}, "`sender` cannot differ"),
    (
        {"template": STORED, "options": EVERYTHING, "cc": "bob@example.com"},
        "must have one recipient",
    ),
    (
        {"template": STORED, "options": EVERYTHING, "headers": {"List-Unsubscribe": "<https://example.com>"}},
        "SES writes List-Unsubscribe",
    ),
    (
        {"subject": "a", "text": "{{amazonSESUnsubscribeUrl}}" * 3, "options": EVERYTHING},
        "more than twice",
    ),
    ({"template": "welcome"}, "template is of type str"),
    ({"subject": "a", "text": "a", "tags": {"mailstack-id": "1"}}, "set by this library"),
]


@pytest.mark.parametrize(("parts", "words"), COMBINATIONS)
def test_parts_that_ses_does_not_take_together_are_refused(parts: dict[str, Any], words: str):
    with pytest.raises(InvalidMessage, match=words) as error:
        Message(to="ada@example.com", **parts)
    assert error.value.hint


BAD_FILES: list[tuple[dict[str, Any], str]] = [
    ({"description": "a\r\nX: 1"}, "control"),
    ({"description": "x" * 1001}, "more than 1000"),
    ({"disposition": "inline"}, "needs a disposition of"),
    ({"transfer_encoding": "8BIT"}, "needs a transfer encoding of"),
    ({"transfer_encoding": "SEVEN_BIT"}, "not 7-bit"),
]


@pytest.mark.parametrize(("parts", "words"), BAD_FILES)
def test_invalid_options_of_attachments_are_refused(parts: dict[str, Any], words: str):
    with pytest.raises(InvalidMessage, match=words):
        Attachment("a.bin", b"\xff", **parts)


BAD_TEMPLATES: list[tuple[dict[str, Any], str]] = [
    ({}, "either a name or an ARN"),
    ({"name": "a", "arn": TEMPLATE}, "either a name or an ARN"),
    ({"name": "a b"}, "not a template name"),
    ({"arn": IDENTITY}, "not the ARN of an SES template"),
    ({"name": "a", "data": {"x": object()}}, "cannot be written as JSON"),
    ({"name": "a", "data": {"x": float("nan")}}, "cannot be written as JSON"),
    ({"name": "a", "data": "x"}, "of type str"),
    ({"name": "a", "data": {"x": "y" * 262_144}}, "SES allows 262,144"),
]


@pytest.mark.parametrize(("parts", "words"), BAD_TEMPLATES)
def test_invalid_stored_templates_are_refused(parts: dict[str, Any], words: str):
    with pytest.raises(InvalidMessage, match=words):
        StoredTemplate(**parts)


BAD_MIME: list[tuple[str, bytes]] = [
    ("is not a field", RAW.replace(b"Hello\n\n", b"Hello\nnot a field\n\n")),
    (
        "a CR or an LF alone",
        RAW.replace(b"\n", b"\r\n").replace(b"Subject: Hello", b"Subject: Hello\nBcc: eve@example.org"),
    ),
    ("a CR or an LF alone", RAW.replace(b"Subject: Hello", b"Subject: Hello\rBcc: eve@example.org")),
    ("more than once: to", RAW.replace(b"Subject", b"To: eve@example.org\nSubject")),
    ("no From header", RAW.replace(b"From", b"X-From")),
    ("must have one address", RAW.replace(b"<shop@example.com>", b"<shop@example.com>, b@example.com")),
    ("must have one address", RAW.replace(b"Shop <shop@example.com>", b"")),
    ("not ASCII", RAW.replace(b"Hello\n\n", "Grüße\n\n".encode())),
    ("NUL", RAW + b"\0"),
    ("longer than 998", RAW + b"x" * 999),
    ("x-ses- is not allowed", RAW.replace(b"Subject", b"X-SES-CONFIGURATION-SET: other\nSubject")),
    ("return-path is not allowed", RAW.replace(b"Subject", b"Return-Path: <eve@example.org>\nSubject")),
    ("has no @", RAW.replace(b"ada@example.org", b"ada")),
    ("SES allows 41,943,040", RAW + b"x" * 76 + b"\n" * 41_943_040),
]


@pytest.mark.parametrize(("words", "data"), BAD_MIME, ids=[words for words, _ in BAD_MIME])
def test_malformed_or_injected_mime_is_refused(words: str, data: bytes):
    with pytest.raises(InvalidMessage, match=words):
        RawMime(data)


def test_raw_mime_names_its_recipients_and_hides_bcc():
    mail = EmailMessage()
    mail["From"] = "Größe <shop@example.com>"
    mail["To"] = ["Ada <ada@example.org>", "Bob <bob@example.org>"]
    mail["Bcc"] = "eve@example.org"
    mail["Subject"] = "Grüße " * 30
    mail.set_content("Grüße")
    made = Message(raw=RawMime(mail.as_bytes()))
    assert [one.email for one in made.recipients] == ["ada@example.org", "bob@example.org", "eve@example.org"]
    assert made.sender == Address("shop@example.com", "Größe")
    assert b"eve@" not in made.raw.data if made.raw else False
    assert request_of(made)["Destination"]["BccAddresses"] == ["eve@example.org"]


def test_given_recipients_replace_those_of_raw_mime():
    assert [one.email for one in Message(raw=MIME, to="bob@example.com").recipients] == ["bob@example.com"]


def untracked(content: Any, **parts: Any) -> bool:
    composed = compose(content, Brand(name="Example"), to="ada@example.com", **parts)
    tracking = request_of(composed).get("ConfigurationOverrides", {}).get("Tracking", {})
    return tracking == {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}


RESET = PasswordReset(reset_url="https://example.com/r/1")
WELCOME = Welcome(dashboard_url="https://example.com")  # pyright: ignore[reportArgumentType] - pydantic reads it
CODE = VerificationCode(code="424242")


@pytest.mark.parametrize(
    ("content", "parts", "is_untracked"),
    [
        (RESET, {}, True),
        (CODE, {}, True),
        (WELCOME, {}, False),
        (WELCOME, {"secret": True}, True),
        (RESET, {"secret": False}, False),
        (RESET, {"secret": None}, True),
        (RESET, {"options": SendOptions(track_opens=True, track_clicks=True)}, False),
        (Message(subject="a", text="b", secret=True, to="a@example.com"), {}, True),
        (StoredTemplate("a", {"links": [{"url": Secret("https://example.com/r/1")}]}), {}, True),
        (StoredTemplate("a", {"name": "Ada"}), {}, False),
    ],
)
def test_mail_with_a_secret_is_not_tracked(content: Any, parts: dict[str, Any], is_untracked: bool):
    assert untracked(content, **parts) is is_untracked


def test_a_secret_of_a_composed_message_stays_one():
    mailer = Outbox().mailer
    first = mailer.compose(RESET, to="ada@example.com")
    again = mailer.compose(first, to="bob@example.com")
    assert again.secret
    assert again.template_name == "password_reset"


def old_client(ses: ScriptedSes) -> Any:
    """A client whose service model has no `ConfigurationOverrides`."""
    client = ses.client()
    client.meta.service_model.operation_model("SendEmail").input_shape.members.pop("ConfigurationOverrides")
    return client


def test_old_boto3_is_an_error_only_where_tracking_is_set(caplog: pytest.LogCaptureFixture):
    with scripted_ses() as ses:
        transport = SesTransport(outputs(), client=old_client(ses))
        mail = Mailer(outputs(), transport=transport, suppressions=MemorySuppressions())
        assert mail.send(RESET, to="ada@example.com").ok
        assert len(ses.posted) == 1
        assert "upgrade boto3" in caplog.text
        with pytest.raises(ConfigurationError, match="This boto3 cannot set track_opens") as error:
            mail.send(WELCOME, to="ada@example.com", options=SendOptions(track_opens=False))
        assert "pip install" in error.value.hint
        assert len(ses.posted) == 1


@pytest.mark.parametrize("given", [0, 1, MAX_HEADERS - 1, MAX_HEADERS])
def test_headers_of_automatic_mail_fit_into_the_limit(given: int):
    headers = {f"X-{number}": "1" for number in range(given)}
    composed = compose(WELCOME, Brand(name="Example"), to="ada@example.com", headers=headers)
    assert len(composed.headers) == min(MAX_HEADERS, given + 2)
    assert dict(composed.headers).items() >= headers.items()


def test_given_headers_and_tags_win_over_the_defaults():
    composed = compose(
        CODE,
        Brand(name="Example"),
        to="ada@example.com",
        headers={"auto-submitted": "no"},
        tags={"ses:feedback-id-a": "mine"},
    )
    assert [value for name, value in composed.headers if name.lower() == "auto-submitted"] == ["no"]
    tags = [(tag["Name"], tag["Value"]) for tag in request_of(composed)["EmailTags"]]
    assert tags == [
        ("ses:feedback-id-a", "mine"),
        ("mailstack-id", "0f"),
        ("mailstack-template", "verification_code"),
        ("ses:feedback-id-b", "news"),
    ]


def test_whole_message_gets_no_automatic_headers():
    assert compose(message(), Brand(name="Example")).headers == ()


@pytest.mark.parametrize(
    ("region", "header"),
    [("us-east-1", "<1@email.amazonses.com>"), ("eu-central-2", "<1@eu-central-2.amazonses.com>")],
)
def test_message_id_header_is_in_a_domain_of_the_region(region: str, header: str):
    assert message_id_header("1", region) == header


def test_changed_options_are_checked_again():
    with pytest.raises(InvalidMessage):
        replace(EVERYTHING, contact_list="")
    assert {one.name for one in fields(SendOptions)} == set(SendOptions.__slots__)
