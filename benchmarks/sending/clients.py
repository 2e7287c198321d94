"""The clients that are compared. Each sends one mail a call: the same text and HTML, to one recipient who changes.

Where AWS is comes from the environment (`AWS_ENDPOINT_URL`, keys, region), as in an application. Each imports what it
needs when it is set up, so that a process pays for its own client alone.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

SENDER = "Example <no-reply@example.test>"
_CONFIGURATION_SET = "mailstack-test-transactional"
_TABLE = "mailstack-test"
Send = Callable[[str], object]
SendMany = Callable[[Iterable[str]], None]


@dataclass(frozen=True)
class Content:
    """What every mail holds: the template `Welcome`, filled in."""

    subject: str
    text: str
    html: str


def brand() -> Any:
    """A brand with everything that a real one has; with it the mail has 11 kB."""
    from mailer import Brand

    return Brand(
        name="Example",
        website="https://www.example.com",
        logo="https://www.example.com/static/logo@2x.png",
        support="support@example.com",
        postal_address="Example, 12 Analytical Row, Sampleton",
    )


def _welcome(name: str = "Ada") -> Any:
    from mailer.catalog import Welcome

    return Welcome(name=name, dashboard_url="https://app.example.com/dashboard")


def content() -> Content:
    from mailer.templates.engine import render

    rendered = render(_welcome(), brand())
    return Content(rendered.subject, rendered.text, rendered.html)


def _request(content: Content, recipient: str) -> dict[str, Any]:
    body = {"Text": {"Data": content.text, "Charset": "UTF-8"}, "Html": {"Data": content.html, "Charset": "UTF-8"}}
    return {
        "FromEmailAddress": SENDER,
        "Destination": {"ToAddresses": [recipient]},
        "Content": {"Simple": {"Subject": {"Data": content.subject, "Charset": "UTF-8"}, "Body": body}},
        "ConfigurationSetName": _CONFIGURATION_SET,
    }


def raw_socket(content: Content) -> Send:
    """The floor: a finished request, signed for each mail, one write, one read. No checks."""
    import socket
    from datetime import UTC, datetime
    from urllib.parse import urlsplit

    from mailer.wire.signing import Keys, Scope, signed

    url = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    keys = Keys(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], None)
    path, scope = "/v2/email/outbound-emails", Scope(os.environ["AWS_REGION"], "ses")
    connection = socket.create_connection((url.hostname or "", url.port or 80))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    named = {"host": url.netloc, "content-type": "application/json"}
    body = json.dumps(_request(content, "reader@example.org")).encode()

    def send(_: str) -> None:
        headers = signed(path, named, body, keys=keys, scope=scope, now=datetime.now(UTC))
        headers["content-length"] = str(len(body))
        head = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        assert b"MessageId" in connection.recv(65536)

    return send


def bare_boto3(content: Content) -> Send:
    """The least that sends with boto3."""
    import boto3

    client = boto3.client("sesv2")

    def send(recipient: str) -> None:
        assert client.send_email(**_request(content, recipient))["MessageId"]

    return send


def boto3_with_lookup(content: Content) -> Send:
    """What `mailer` asks AWS, with boto3: whether the recipient is suppressed, then the mail."""
    import boto3

    dynamodb, send_one = boto3.client("dynamodb"), bare_boto3(content)

    def send(recipient: str) -> None:
        key = {"pk": {"S": f"SUPPRESSION#{recipient}"}, "sk": {"S": "SUPPRESSION"}}
        found = dynamodb.batch_get_item(RequestItems={_TABLE: {"Keys": [key], "ConsistentRead": True}})
        assert not found["Responses"].get(_TABLE)
        send_one(recipient)

    return send


def mailer_template(_: Content) -> Send:
    """`Mailer.send` as it comes: renders the template, checks, looks the recipient up in DynamoDB, sends."""
    from mailer import Mailer, Status
    from mailer.testing.outputs import stack_outputs

    mailer = Mailer(stack_outputs(), brand=brand())

    def send(recipient: str) -> None:
        assert mailer.send(_welcome(), to=recipient)[recipient].status is Status.SENT

    return send


def mailer_message(content: Content) -> Send:
    """`Mailer.send` of a message, with a suppression list in memory: the same work as the peers'."""
    from mailer import Mailer, Message, Status
    from mailer.testing.memory import MemorySuppressions
    from mailer.testing.outputs import stack_outputs

    mailer = Mailer(stack_outputs(), suppressions=MemorySuppressions())

    def send(recipient: str) -> None:
        message = Message(subject=content.subject, text=content.text, html=content.html, to=recipient)
        assert mailer.send(message)[recipient].status is Status.SENT

    return send


def _many(content: Content, *, bulk: bool, personal: bool = False) -> SendMany:
    """`Mailer.send_many` of messages, with a suppression list that asks nobody: the same work as the peers'."""
    from mailer import Mail, Mailer, Message
    from mailer.testing.memory import MemorySuppressions
    from mailer.testing.outputs import stack_outputs

    mailer = Mailer(stack_outputs(), suppressions=MemorySuppressions())

    def mail(recipient: str) -> Mail:
        text, html = (part + recipient if personal else part for part in (content.text, content.html))
        return Mail(Message(subject=content.subject, text=text, html=html, to=recipient))

    def send(recipients: Iterable[str]) -> None:
        assert all(one.ok for one in mailer.send_many(map(mail, recipients), bulk=bulk))

    return send


def mailer_many(content: Content) -> SendMany:
    """A request for each mail."""
    return _many(content, bulk=False)


def mailer_bulk(content: Content) -> SendMany:
    """Up to 50 mails a request, with one text for all."""
    return _many(content, bulk=True)


def mailer_bulk_personal(content: Content) -> SendMany:
    """Up to 50 mails a request, each with a text of its own."""
    return _many(content, bulk=True, personal=True)


def mailer_bulk_templates(_: Content) -> SendMany:
    """Up to 50 mails a request, each with its own name in the template, with recipients looked up in DynamoDB."""
    from mailer import Mail, Mailer
    from mailer.testing.outputs import stack_outputs

    mailer = Mailer(stack_outputs(), brand=brand())

    def send(recipients: Iterable[str]) -> None:
        mails = (Mail(_welcome(recipient.partition("@")[0]), to=recipient) for recipient in recipients)
        assert all(one.ok for one in mailer.send_many(mails, bulk=True))

    return send


def _one_by_one(client: Callable[[Content], Send]) -> Callable[[Content], SendMany]:
    """A peer, which has one call a mail."""

    def many(content: Content) -> SendMany:
        send_one = client(content)

        def send(recipients: Iterable[str]) -> None:
            for recipient in recipients:
                send_one(recipient)

        return send

    return many


def _backend(make: Callable[[], Any], *, stays_open: bool) -> Callable[[Content], Send]:
    """A Django backend: one connection that stays open over all mails, or one for each, as `send_mail` has it."""

    def client(content: Content) -> Send:
        import django
        from django.conf import settings

        settings.configure(AWS_SES_AUTO_THROTTLE=None)  # django-ses would ask SES for its quota, too
        django.setup()
        opened = contextlib.ExitStack().enter_context(make()) if stays_open else None

        def send(recipient: str) -> None:
            assert (opened or make()).send_messages([_django_mail(content, recipient)]) == 1

        return send

    return client


def _django_mail(content: Content, recipient: str) -> Any:
    from django.core.mail import EmailMultiAlternatives

    mail = EmailMultiAlternatives(content.subject, content.text, SENDER, [recipient])
    mail.attach_alternative(content.html, "text/html")
    return mail


def _django_ses() -> Any:
    from django_ses import SESBackend

    return SESBackend(
        aws_access_key=os.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        aws_region_name=os.environ["AWS_REGION"],
        aws_region_endpoint=os.environ["AWS_ENDPOINT_URL"],
        use_ses_v2=True,
    )


def _anymail() -> Any:
    from anymail.backends.amazon_ses import EmailBackend

    return EmailBackend()


RAW, BARE, MAILER, MAILER_MESSAGE = "raw socket, signed", "boto3, bare", "mailer", "mailer, message without lookup"
DJANGO_SES, ANYMAIL = "django-ses, open connection", "anymail, open connection"
SLOW = "anymail, as Django uses it"
CLIENTS: dict[str, Callable[[Content], Send]] = {
    RAW: raw_socket,
    MAILER_MESSAGE: mailer_message,
    MAILER: mailer_template,
    BARE: bare_boto3,
    "boto3, with lookup": boto3_with_lookup,
    DJANGO_SES: _backend(_django_ses, stays_open=True),
    ANYMAIL: _backend(_anymail, stays_open=True),
    SLOW: _backend(_anymail, stays_open=False),
}

MANY_SINGLY, MANY_BULK = "mailer, singly", "mailer, in bulk"
MANY_PERSONAL = "mailer, in bulk, each its own text"
MANY_TEMPLATES = "mailer, in bulk, template and lookup"
IN_BULK = frozenset({MANY_BULK, MANY_PERSONAL, MANY_TEMPLATES})
MANY: dict[str, Callable[[Content], SendMany]] = {
    MANY_BULK: mailer_bulk,
    MANY_PERSONAL: mailer_bulk_personal,
    MANY_TEMPLATES: mailer_bulk_templates,
    MANY_SINGLY: mailer_many,
    DJANGO_SES: _one_by_one(CLIENTS[DJANGO_SES]),
}


def recipients() -> Callable[[], str]:
    """Another address each time, so that no cache of addresses makes the mail cheaper than it is."""
    numbers = count(1)
    return lambda: f"reader{next(numbers)}@example.org"
