"""The bytes that SES is sent: pydantic's encoder writes what Python's own would, and files go in standard base64."""

import json
from base64 import b64decode
from typing import Any

import pytest

from mailer import Attachment, Message
from mailer.address import Address
from mailer.transports.ses import _encoded, send_email_request  # pyright: ignore[reportPrivateUsage]
from mailer.wire.client import encoded

TEXTS = [
    "Hello",
    "Grüße, 中文, 😀",
    'quotes " and \\',
    "lines\r\n\ttabs",
    "\x01\x1f\x7f",
    "\u2028\u2029",
    "</script>",
    "",
]


def request_of(**parts: Any) -> dict[str, Any]:
    message = Message(subject="Hello", html="<p>Hello</p>", to="Ädä <ada@example.com>", **parts)
    return {**send_email_request(message.filled_in(sender=Address("no-reply@example.test"), stream="x"), "set")}


@pytest.mark.parametrize("text", TEXTS)
def test_request_is_the_same_json_with_either_encoder(text: str):
    request = request_of(text=text, headers={"X-A": "1"}, tags={"a": "b"}, cc=["bob@example.com"])
    assert json.loads(b"".join(_encoded(request))) == json.loads(encoded(request)) == request


def test_files_are_sent_in_standard_base64():
    content = bytes(range(256)) * 3  # of which URL-safe base64 would write some as - and _
    sent = json.loads(b"".join(_encoded(request_of(attachments=Attachment("a.bin", content)))))
    (file,) = sent["Content"]["Simple"]["Attachments"]
    assert b64decode(file["RawContent"], validate=True) == content
