"""SNS deliveries are signed, and a verifier that trusts the certificate accepts them."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any
from urllib.request import urlopen

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from mailstack_localcloud import LocalCloud
from tests.integration.queues import open_to
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
QUEUE = "arn:aws:sqs:us-east-1:000000000000:heard"
# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def verify(envelope: dict[str, Any]) -> None:
    """As a consumer does it that takes certificates from the local cloud, too."""
    with urlopen(envelope["SigningCertURL"]) as answer:  # noqa: S310 - ours
        certificate = x509.load_pem_x509_certificate(answer.read())
    fields = NOTIFICATION if envelope["Type"] == "Notification" else CONFIRMATION
    text = "".join(f"{name}\n{envelope[name]}\n" for name in fields if name in envelope)
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[envelope["SignatureVersion"]]  # noqa: S303
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(base64.b64decode(envelope["Signature"]), text.encode(), padding.PKCS1v15(), digest)


@pytest.fixture
def posted() -> Iterator[tuple[str, "Queue[dict[str, Any]]"]]:
    """A webhook, and what is posted to it."""
    heard: Queue[dict[str, Any]] = Queue()

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/sns", heard
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("version", ["", "1", "2"])
def test_a_webhook_can_verify_every_message(
    cloud: LocalCloud, posted: tuple[str, "Queue[dict[str, Any]]"], version: str
):
    url, heard = posted
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news", Attributes={"SignatureVersion": version} if version else {})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    asked = heard.get(timeout=PATIENCE)
    assert (asked["Type"], asked["SignatureVersion"]) == ("SubscriptionConfirmation", version or "1")
    verify(asked)
    sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])
    sns.publish(TopicArn=topic, Message="Grüße\n", Subject="Hello")
    told = heard.get(timeout=PATIENCE)
    assert (told["Message"], told["Subject"], told["SignatureVersion"]) == ("Grüße\n", "Hello", version or "1")
    verify(told)
    told["Message"] = "changed"
    with pytest.raises(InvalidSignature):
        verify(told)


@pytest.mark.parametrize("version", ["1", "2"])
def test_ses_event_in_a_queue_is_signed(cloud: LocalCloud, version: str):
    ses, sns, sqs = cloud.client("sesv2"), cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="events", Attributes={"SignatureVersion": version})["TopicArn"]
    url = sqs.create_queue(QueueName="heard", Attributes=open_to("sns", "heard"))["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    ses.create_configuration_set(ConfigurationSetName="news")
    destination: Any = {"Enabled": True, "MatchingEventTypes": ["SEND"], "SnsDestination": {"TopicArn": topic}}
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="news", EventDestinationName="sns", EventDestination=destination
    )
    sns.publish(TopicArn=topic, Message="hello")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    envelopes = [json.loads(message["Body"]) for message in found]
    assert [envelope["SignatureVersion"] for envelope in envelopes] == [version] * 2
    for envelope in envelopes:
        verify(envelope)


def test_another_process_has_another_certificate(cloud: LocalCloud):
    with LocalCloud.start() as other:
        addresses = [_address(one) for one in (cloud, other)]
    assert addresses[0].rpartition("/")[2] != addresses[1].rpartition("/")[2]
    assert addresses[0].startswith(f"{cloud.endpoint}/SimpleNotificationService-")


def _address(cloud: LocalCloud) -> str:
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="news")["TopicArn"]
    url = sqs.create_queue(QueueName="heard", Attributes=open_to("sns", "heard"))["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    sns.publish(TopicArn=topic, Message="hello")
    return json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])["SigningCertURL"]
