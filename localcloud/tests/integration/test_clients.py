"""Third-party mail clients send through the local cloud unchanged: django-ses and django-anymail."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.test import RequestFactory, override_settings

from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to

pytestmark = pytest.mark.integration

Backend = Callable[..., Any]
SECRET = "anymail:webhook"
PDF = b"%PDF-1.4 example"


@pytest.fixture(scope="module", autouse=True)
def configured_django() -> None:
    if not settings.configured:
        settings.configure(DEFAULT_CHARSET="utf-8")
        django.setup()


@pytest.fixture
def sender(cloud: LocalCloud) -> LocalCloud:
    """A cloud where example.com may send."""
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.com")
    cloud.control("POST", "identities/example.com/verify")
    return cloud


def django_ses(cloud: LocalCloud, *, v2: bool = True) -> Any:
    from django_ses import SESBackend

    known = cloud.environment()
    return SESBackend(
        aws_access_key=known["AWS_ACCESS_KEY_ID"],
        aws_secret_key=known["AWS_SECRET_ACCESS_KEY"],
        aws_region_name=cloud.region,
        aws_region_endpoint=cloud.endpoint,
        use_ses_v2=v2,
    )


def anymail(cloud: LocalCloud, **more: Any) -> Any:
    from anymail.backends.amazon_ses import EmailBackend

    known = cloud.environment()
    parameters = {
        "endpoint_url": cloud.endpoint,
        "region_name": cloud.region,
        "aws_access_key_id": known["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": known["AWS_SECRET_ACCESS_KEY"],
    }
    return EmailBackend(client_params=parameters, **more)


def django_ses_v1(cloud: LocalCloud) -> Any:
    return django_ses(cloud, v2=False)


@pytest.fixture(params=[django_ses, django_ses_v1, anymail], ids=["django-ses", "django-ses over SES v1", "anymail"])
def backend(request: pytest.FixtureRequest, sender: LocalCloud) -> Any:
    return request.param(sender)


def mail(**changes: Any) -> EmailMultiAlternatives:
    given: dict[str, Any] = {
        "subject": "Grüße",
        "body": "Hello, Grace.",
        "from_email": "Ada Lovelace <ada@example.com>",
        "to": ["Grace Hopper <grace@example.org>"],
    }
    return EmailMultiAlternatives(**{**given, **changes})


def only_mail(cloud: LocalCloud) -> tuple[dict[str, Any], dict[str, Any]]:
    [summary] = cloud.control("GET", "messages")["messages"]
    return summary, cloud.control("GET", f"messages/{summary['message_id']}/content")


def test_plain_text_arrives_as_it_was_written(backend: Any, sender: LocalCloud):
    assert backend.send_messages([mail()]) == 1
    summary, content = only_mail(sender)
    assert summary["subject"] == "Grüße"
    assert summary["source"] == "Ada Lovelace <ada@example.com>"
    assert {"name": "To", "value": "Grace Hopper <grace@example.org>"} in content["headers"]
    assert content["text"].strip() == "Hello, Grace."
    assert not content["html"]


def test_html_and_attachments_arrive(backend: Any, sender: LocalCloud):
    message = mail()
    message.attach_alternative("<p>Hello, Grace.</p>", "text/html")
    message.attach("notes.pdf", PDF, "application/pdf")
    assert backend.send_messages([message]) == 1
    _, content = only_mail(sender)
    assert content["text"].strip() == "Hello, Grace."
    assert content["html"].strip() == "<p>Hello, Grace.</p>"
    [attachment] = content["attachments"]
    assert (attachment["name"], attachment["content_type"], attachment["size"]) == (
        "notes.pdf",
        "application/pdf",
        len(PDF),
    )


def test_copies_go_to_all_and_blind_ones_are_not_shown(backend: Any, sender: LocalCloud):
    assert backend.send_messages([mail(cc=["alan@example.org"], bcc=["mary@example.org"])]) == 1
    summary, content = only_mail(sender)
    reached = {occurrence["recipient"] for occurrence in summary["occurrences"] if occurrence["kind"] == "Delivery"}
    assert reached == {"grace@example.org", "alan@example.org", "mary@example.org"}
    assert "mary@example.org" not in json.dumps(content["headers"])


def test_display_names_outside_ascii_survive(backend: Any, sender: LocalCloud):
    assert backend.send_messages([mail(to=['"Ähren, Jürgen" <jurgen@example.org>'])]) == 1
    _, content = only_mail(sender)
    [to] = [header["value"] for header in content["headers"] if header["name"] == "To"]
    assert "jurgen@example.org" in to
    assert "Ähren, Jürgen" in to


def test_several_mails_over_one_connection_are_counted(backend: Any, sender: LocalCloud):
    assert backend.send_messages([mail(to=[f"reader{i}@example.org"]) for i in range(3)]) == 3
    recipients = {one["to"][0] for one in sender.control("GET", "messages")["messages"]}
    assert recipients == {f"reader{i}@example.org" for i in range(3)}


def test_a_refusal_reaches_the_application(backend: Any, sender: LocalCloud):
    with pytest.raises(Exception, match="Email address is not verified"):
        backend.send_messages([mail(from_email="eve@example.net")])
    assert sender.control("GET", "messages")["messages"] == []


def test_anymail_reads_message_id_and_recipient_statuses(sender: LocalCloud):
    message: Any = mail(cc=["alan@example.org"])
    anymail(sender).send_messages([message])
    [summary] = sender.control("GET", "messages")["messages"]
    assert message.anymail_status.message_id == summary["message_id"]
    assert {address: status.status for address, status in message.anymail_status.recipients.items()} == {
        "grace@example.org": "queued",
        "alan@example.org": "queued",
    }


def test_anymail_merges_a_stored_template_through_the_bulk_call(sender: LocalCloud):
    template = {"Subject": "Hello {{name}}", "Text": "Your code is {{code}}."}
    sender.client("sesv2").create_email_template(TemplateName="code", TemplateContent=template)
    message: Any = mail(subject="", body="", to=["grace@example.org", "alan@example.org"])
    message.template_id = "code"
    message.merge_data = {"grace@example.org": {"name": "Grace"}, "alan@example.org": {"name": "Alan"}}
    message.merge_global_data = {"code": "314159"}
    anymail(sender).send_messages([message])
    sent = {one["to"][0]: one for one in sender.control("GET", "messages")["messages"]}
    assert {address: one["subject"] for address, one in sent.items()} == {
        "grace@example.org": "Hello Grace",
        "alan@example.org": "Hello Alan",
    }
    content = sender.control("GET", f"messages/{sent['alan@example.org']['message_id']}/content")
    assert content["text"].strip() == "Your code is 314159."


# What anymail's webhook makes of our events.


@pytest.fixture
def tracked(sender: LocalCloud) -> Iterator[Callable[..., list[Any]]]:
    """Sends a mail through anymail and posts what SNS said about it to anymail's own webhook."""
    from anymail.signals import tracking

    seen: list[Any] = []

    def see(event: Any, **_: Any) -> None:
        seen.append(event)

    def send(recipient: str) -> list[Any]:
        queue = events_to_a_queue(sender)
        message: Any = mail(to=[recipient])
        message.tags = ["welcome"]
        anymail(sender, configuration_set_name="news", message_tag_name="kind").send_messages([message])
        sender.control("POST", "events/drain")
        for body in notifications(sender, queue):
            assert post(body).status_code == 200
        assert {event.message_id for event in seen} == {message.anymail_status.message_id}
        return seen

    tracking.connect(see, weak=False)
    with override_settings(ANYMAIL={"WEBHOOK_SECRET": SECRET, "AMAZON_SES_AUTO_CONFIRM_SNS_SUBSCRIPTIONS": False}):
        yield send
    tracking.disconnect(see)


def events_to_a_queue(cloud: LocalCloud) -> str:
    ses, sns, sqs = (cloud.client(name) for name in ("sesv2", "sns", "sqs"))
    topic = sns.create_topic(Name="events")["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    queue = sqs.create_queue(QueueName="events", Attributes=open_to("sns", "events"))["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:events")
    ses.create_configuration_set(ConfigurationSetName="news")
    kinds = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT"]
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="news",
        EventDestinationName="topic",
        EventDestination={"Enabled": True, "MatchingEventTypes": kinds, "SnsDestination": {"TopicArn": topic}},
    )
    sqs.purge_queue(QueueUrl=queue)
    return str(queue)


def notifications(cloud: LocalCloud, queue: str) -> list[str]:
    got = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [message["Body"] for message in got.get("Messages", [])]


def post(notification: str) -> Any:
    from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView

    envelope = json.loads(notification)
    request = RequestFactory().post(
        "/anymail/amazon_ses/tracking/",
        data=notification,
        content_type="text/plain; charset=UTF-8",
        headers={
            "Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode(),
            "x-amz-sns-message-type": envelope["Type"],
            "x-amz-sns-message-id": envelope["MessageId"],
            "x-amz-sns-topic-arn": envelope["TopicArn"],
        },
    )
    return AmazonSESTrackingWebhookView.as_view()(request)


@pytest.mark.parametrize(
    ("recipient", "event_types"),
    [
        ("success@simulator.amazonses.com", ["sent", "delivered"]),
        ("bounce@simulator.amazonses.com", ["sent", "bounced"]),
        ("complaint@simulator.amazonses.com", ["sent", "delivered", "complained"]),
    ],
)
def test_anymail_understands_our_events(tracked: Callable[..., list[Any]], recipient: str, event_types: list[str]):
    events = tracked(recipient)
    assert sorted(event.event_type for event in events) == sorted(event_types)
    assert {event.recipient for event in events} == {recipient}
    assert {tuple(event.tags) for event in events} == {("welcome",)}
