"""Where a certificate may come from, by partition and region; and the text that SNS signs."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore
import pytest

from mailer.errors import SnsMessageRefused
from mailer.webhooks.sns import SUFFIXES, check_certificate_url, parse_message

HEX = "0" * 32
PATH = f"/SimpleNotificationService-{HEX}.pem"
HOSTS = {
    "arn:aws:sns:eu-west-1:123456789012:t": "sns.eu-west-1.amazonaws.com",
    "arn:aws-us-gov:sns:us-gov-west-1:123456789012:t": "sns.us-gov-west-1.amazonaws.com",
    "arn:aws-cn:sns:cn-north-1:123456789012:t": "sns.cn-north-1.amazonaws.com.cn",
    "arn:aws-eusc:sns:eusc-de-east-1:123456789012:t": "sns.eusc-de-east-1.amazonaws.eu",
    "arn:aws-iso:sns:us-iso-east-1:123456789012:t": "sns.us-iso-east-1.c2s.ic.gov",
    "arn:aws-iso-b:sns:us-isob-east-1:123456789012:t": "sns.us-isob-east-1.sc2s.sgov.gov",
}


def envelope(**fields: Any) -> bytes:
    return json.dumps({
        "Type": "Notification",
        "MessageId": "5f1c9a0e-6a5e-5d0c-8f3b-c3a7f1a0b2d4",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:t",
        "Message": "Hello",
        "Timestamp": "2026-03-02T09:15:06.500Z",
        "SignatureVersion": "1",
        "Signature": "AAAA",
        "SigningCertURL": f"https://sns.eu-west-1.amazonaws.com{PATH}",
        **fields,
    }).encode()  # fmt: skip


@pytest.mark.parametrize("topic", HOSTS)
def test_certificate_comes_from_the_topic_s_region(topic: str):
    for host in HOSTS.values():
        message = parse_message(envelope(TopicArn=topic, SigningCertURL=f"https://{host}{PATH}"))
        if host == HOSTS[topic]:
            assert check_certificate_url(message).hostname == host
        else:
            with pytest.raises(SnsMessageRefused):
                check_certificate_url(message)


def test_partitions_are_those_of_botocore():
    file = Path(botocore.__file__).parent / "data" / "partitions.json"
    known = json.loads(file.read_text())["partitions"]
    assert {one["id"]: one["outputs"]["dnsSuffix"] for one in known} == SUFFIXES


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.eu-west-1.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com:8443{PATH}",
        f"https://sns.eu-west-1.amazonaws.com.example.com{PATH}",
        f"https://SNS.eu-west-1.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com.{PATH}",
        f"https://example.com\\@sns.eu-west-1.amazonaws.com{PATH}",
        f"https://sns.eu-west-1.amazonaws.com/%2e%2e{PATH}",
        f"https://sns.eu-west-1.amazonaws.com{PATH}/",
        f" https://sns.eu-west-1.amazonaws.com{PATH}",
        f"https://s3.eu-west-1.amazonaws.com{PATH}",
    ],
)
def test_url_that_only_resembles_sns_is_refused(url: str):
    with pytest.raises(SnsMessageRefused):
        check_certificate_url(parse_message(envelope(SigningCertURL=url)))


@pytest.mark.parametrize("origin", ["http://127.0.0.1:4566", "http://[::1]:4566"])
def test_local_endpoint_replaces_aws(origin: str):
    assert check_certificate_url(parse_message(envelope(SigningCertURL=f"{origin}{PATH}")), origin).path == PATH
    with pytest.raises(SnsMessageRefused):
        check_certificate_url(parse_message(envelope()), origin)


def test_signed_text_is_that_of_the_documentation():
    # https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
    message = parse_message(envelope(Subject="My Subject", Message="My Test\nMessage"))
    assert message.signed.decode() == (
        "Message\nMy Test\nMessage\nMessageId\n5f1c9a0e-6a5e-5d0c-8f3b-c3a7f1a0b2d4\nSubject\nMy Subject\n"
        "Timestamp\n2026-03-02T09:15:06.500Z\nTopicArn\narn:aws:sns:eu-west-1:123456789012:t\nType\nNotification\n"
    )
    assert message.sent_at == datetime(2026, 3, 2, 9, 15, 6, 500_000, UTC)
    both = {"SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?x", "Token": "t0k3n"}
    asked = parse_message(envelope(Type="SubscriptionConfirmation", **both))
    assert asked.signed.decode().split("\n")[::2] == [
        *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type", ""),
    ]


@pytest.mark.parametrize("name", ["MessageId", "Subject", "Timestamp", "TopicArn", "SigningCertURL"])
@pytest.mark.parametrize("character", ["\n", "\r", "\x00", "\u2028"])
def test_only_the_message_may_have_line_breaks(name: str, character: str):
    with pytest.raises(SnsMessageRefused) as raised:
        parse_message(envelope(**{name: f"x{character}y"}))
    assert raised.value.status == 400
