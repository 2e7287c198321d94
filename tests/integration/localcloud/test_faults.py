"""Faults on command, as boto3 and as the library meet them."""

import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from mailer import Mailer, Message, Status
from mailer.sending.retry import RetryPolicy
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.transports.ses import SesTransport
from mailstack_localcloud import LocalCloud, LocalCloudError
from tests.integration.tables import new_table
from tests.unit.mailer.stack_outputs import SET, outputs
from tests.waiting import BRIEF, PATIENCE, eventually

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

ADA, BOB = "ada@example.com", "bob@example.org"
HELLO = Message(subject="Hello", text="Hello Ada", to=ADA)
# Seconds that the cloud waits where the library's client is not to see the end of it.
LONGER = 600


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    ses.create_configuration_set(ConfigurationSetName=SET)
    return ses


@pytest.fixture(scope="module")
def impatient(shared_cloud: LocalCloud) -> Iterator["SESV2Client"]:
    """The library's own client, with less patience: for what gets no answer."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in shared_cloud.environment().items():
            environment.setenv(name, value)
        config = Config(read_timeout=BRIEF, retries={"total_max_attempts": 1})
        yield boto3.session.Session().client("sesv2", region_name="us-east-1", config=config)


@pytest.fixture
def table(cloud: LocalCloud) -> str:
    return new_table(cloud.client("dynamodb"))


def mailer_of(client: "SESV2Client", cloud: LocalCloud, table: str) -> Mailer:
    stack = outputs(table)
    return Mailer(
        stack,
        transport=SesTransport(stack, client=client),
        suppressions=DynamoDBSuppressions(table, cloud.client("dynamodb")),
        retries=RetryPolicy(first_delay=0.01),
    )


@pytest.fixture
def mailer(cloud: LocalCloud, ses: "SESV2Client", table: str) -> Mailer:
    return mailer_of(ses, cloud, table)


def send(ses: "SESV2Client", to: str = ADA) -> str:
    content: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}}
    return ses.send_email(FromEmailAddress="no-reply@example.test", Destination={"ToAddresses": [to]}, Content=content)[
        "MessageId"
    ]


def kept(cloud: LocalCloud) -> int:
    return len(cloud.control("GET", "messages")["messages"])


@pytest.mark.parametrize(
    ("effect", "options", "status", "arrived"),
    [
        ("timeout-after", {"seconds": BRIEF}, Status.UNKNOWN, 1),
        ("timeout-before", {"seconds": BRIEF}, Status.UNKNOWN, 0),
        ("reset-after", {}, Status.UNKNOWN, 1),
        ("reset-before", {}, Status.UNKNOWN, 0),
        ("malformed", {}, Status.UNKNOWN, 1),
        ("malformed", {"body": "<html>Welcome to the proxy</html>"}, Status.UNKNOWN, 1),
        ("error", {"code": "InternalServiceErrorException", "status": 500}, Status.UNKNOWN, 0),
        ("error", {"code": "ServiceUnavailable", "status": 503}, Status.UNKNOWN, 0),
        ("error", {"code": "AccessDeniedException", "status": 403}, Status.REFUSED, 0),
        ("error", {"code": "MessageRejected", "message": "Email address is not verified."}, Status.REFUSED, 0),
        ("throttle", {}, Status.THROTTLED, 0),
    ],
)
def test_faulted_send_is_reported_truly_and_never_doubled(
    cloud: LocalCloud, mailer: Mailer, effect: Any, options: dict[str, Any], status: Status, arrived: int
):
    with cloud.fault(effect, operation="SendEmail", **options) as fault:
        (one,) = mailer.send(HELLO)
    assert (one.status, kept(cloud)) == (status, arrived)
    assert fault.struck == (RetryPolicy().attempts if status is Status.THROTTLED else 1)
    (after,) = mailer.send(HELLO)
    assert after.status is Status.SENT


@pytest.mark.parametrize(("effect", "arrived"), [("timeout-after", 1), ("timeout-before", 0), ("slow", 1)])
def test_the_library_stops_waiting_and_does_not_know(
    cloud: LocalCloud,
    mailer: Mailer,
    impatient: "SESV2Client",
    table: str,
    effect: Any,
    arrived: int,
):
    with cloud.fault(effect, operation="SendEmail", seconds=LONGER) as fault:
        (one,) = mailer_of(impatient, cloud, table).send(HELLO)
        assert one.status is Status.UNKNOWN
        eventually(lambda: (fault.struck, kept(cloud)) == (1, arrived), "the cloud has not met the request")
    (after,) = mailer.send(HELLO)
    assert after.status is Status.SENT


def test_twice_throttled_is_sent_once_at_last(cloud: LocalCloud, mailer: Mailer):
    with cloud.fault("throttle", operation="SendEmail", times=2) as fault:
        result = mailer.send(HELLO)
        assert (result.ok, fault.struck, kept(cloud)) == (True, 2, 1)


def test_a_reset_is_one_on_the_wire(cloud: LocalCloud, ses: "SESV2Client"):
    host, _, port = cloud.endpoint.removeprefix("http://").partition(":")
    with cloud.fault("reset-before", operation="GetAccount", times=1):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as raw:
            raw.sendall(b"GET /v2/email/account HTTP/1.1\r\nhost: localhost\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                raw.recv(1)
        assert ses.get_account()["SendingEnabled"]


def test_a_timeout_ends_with_the_connection(cloud: LocalCloud, ses: "SESV2Client", impatient: "SESV2Client"):
    with cloud.fault("timeout-before", seconds=0.1), pytest.raises(ConnectionClosedError):
        send(ses)
    with cloud.fault("timeout-after", seconds=LONGER), pytest.raises(ReadTimeoutError):
        send(impatient)


def test_an_answer_can_be_slow_and_whole(cloud: LocalCloud, ses: "SESV2Client"):
    with cloud.fault("slow", seconds=0.3):
        began = time.monotonic()  # noqa: TID251 - a slow machine takes longer
        assert send(ses)
        assert time.monotonic() - began >= 0.3  # noqa: TID251


def test_half_an_answer_cannot_be_read(cloud: LocalCloud, ses: "SESV2Client"):
    with cloud.fault("malformed"):
        answer = ses.get_account()  # botocore takes what is no JSON for an empty answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "SendQuota" not in answer
    assert "SendQuota" in ses.get_account()


def test_an_error_is_sess_own_by_name(cloud: LocalCloud, ses: "SESV2Client"):
    fault = cloud.fault("error", code="MailFromDomainNotVerifiedException", message="Not yet.")
    with fault, pytest.raises(ses.exceptions.MailFromDomainNotVerifiedException) as error:
        send(ses)
    assert error.value.response["Error"]["Message"] == "Not yet."
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_the_first_api_is_struck_in_its_own_words(cloud: LocalCloud, ses: "SESV2Client"):
    first = cloud.client("ses")
    raw = b"From: no-reply@example.test\r\nTo: ada@example.com\r\n\r\nHello"
    with cloud.fault("throttle", operation="SendRawEmail", recipient=ADA, times=1) as fault:
        with pytest.raises(ClientError, match="Maximum sending rate exceeded") as error:
            first.send_raw_email(RawMessage={"Data": raw})
        assert error.value.response["Error"]["Code"] == "Throttling"
        assert first.send_raw_email(RawMessage={"Data": raw})["MessageId"]
        assert fault.struck == 1
    with cloud.fault("reset-after"), pytest.raises(ConnectionClosedError):
        first.send_raw_email(RawMessage={"Data": raw})
    assert kept(cloud) == 2


def test_only_the_operation_and_the_recipient_meant_are_struck(cloud: LocalCloud, ses: "SESV2Client"):
    with cloud.fault("throttle", operation="SendEmail", recipient="*@example.com") as fault:
        ses.get_account()
        send(ses, BOB)
        with pytest.raises(ClientError, match="Maximum sending rate exceeded"):
            send(ses, ADA)
        assert (fault.matched, fault.struck) == (1, 1)


def test_a_rate_strikes_the_same_sends_each_time(cloud: LocalCloud, ses: "SESV2Client"):
    def schedule() -> list[bool]:
        taken: list[bool] = []
        with cloud.fault("throttle", operation="SendEmail", rate=0.5, seed=3):
            for _ in range(20):
                try:
                    taken.append(bool(send(ses)))
                except ses.exceptions.TooManyRequestsException:
                    taken.append(False)
        return taken

    first = schedule()
    assert set(first) == {True, False}
    assert schedule() == first


def test_faults_are_listed_and_taken_away(cloud: LocalCloud, ses: "SESV2Client"):
    fault = cloud.fault("throttle", times=3)
    (listed,) = cloud.control("GET", "faults")["faults"]
    assert (listed["name"], listed["effect"], listed["times"]) == (fault.name, "throttle", 3)
    cloud.control("DELETE", "faults")
    assert send(ses)
    cloud.fault("throttle")
    cloud.reset()
    assert cloud.control("GET", "faults") == {"faults": []}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"effect": "throttle", "operation": "SendMail"}, "no operation SendMail"),
        ({"effect": "error", "code": "Odd"}, "no error Odd"),
        ({"effect": "odd"}, "effect must be one of"),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(cloud: LocalCloud, options: dict[str, object], problem: str):
    with pytest.raises(LocalCloudError, match=problem):
        cloud.control("PUT", "faults/one", options)
    with pytest.raises(LocalCloudError, match="No fault one"):
        cloud.control("GET", "faults/one")
