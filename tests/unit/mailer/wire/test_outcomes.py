"""What is known of a request, whatever the network does: every answer that is none, over the wire and over boto3.

The server says what arrived in whole. A request that arrived may have been acted on: it is never called unwritten.
"""

import logging
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import boto3
import pytest
from botocore.config import Config

from mailer.wire.access import Access
from mailer.wire.body import Body
from mailer.wire.boto import BotoApi
from mailer.wire.client import SES, Api, WireApi
from mailer.wire.deadline import Limits
from mailer.wire.errors import AnswerLost, NotWritten, ServiceError, WireError
from tests.unit.mailer.wire.certificates import server_context
from tests.unit.mailer.wire.raw_server import (
    Behaviour,
    RawServer,
    answer,
    drip,
    hang_up,
    numbered,
    ok,
    raw,
    raw_server,
    reset,
    silent,
)
from tests.waiting import PATIENCE

HEAD = b"HTTP/1.1 200 OK\r\n"
# Seconds for an attempt that never gets its answer: enough to connect and write on a slow machine.
LIMIT = 3.0
REQUEST = {"FromEmailAddress": "a@example.com", "Content": {"Simple": {"Subject": {"Data": "x"}, "Body": {}}}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    with raw_server() as server:
        known(monkeypatch, server.url)
        yield server


def known(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def api_of(kind: str, seconds: float = PATIENCE) -> Api:
    if kind == "wire":
        return WireApi(SES, "us-east-1", Limits(connect=seconds, attempt=seconds))
    config = Config(read_timeout=seconds, connect_timeout=seconds, retries={"total_max_attempts": 1})
    return BotoApi(boto3.session.Session().client("sesv2", region_name="us-east-1", config=config))


both = pytest.mark.parametrize("kind", ["wire", "boto3"])


@both
def test_an_answer_is_given_back_as_the_object_that_it_is(server: RawServer, kind: str):
    server.script = [ok({"MessageId": "0100-example"})]
    assert api_of(kind).call("SendEmail", REQUEST)["MessageId"] == "0100-example"
    (request,) = server.received
    assert request.line == "POST /v2/email/outbound-emails HTTP/1.1"
    assert request.json == REQUEST


@pytest.mark.parametrize(("level", "count"), [(logging.DEBUG, 1), (logging.INFO, 0)])
def test_request_is_logged_without_its_content(
    server: RawServer, caplog: pytest.LogCaptureFixture, level: int, count: int
):
    server.script = [ok({"MessageId": "0100-example"})]
    with caplog.at_level(level, "mailer.wire"):
        api_of("wire").call("SendEmail", REQUEST)
    assert len(caplog.messages) == count
    assert all(message.startswith("sesv2 SendEmail: 200 after ") for message in caplog.messages)
    assert "example.com" not in caplog.text


# After a request that arrived, each of these leaves open what became of it.
LOST: dict[str, Behaviour] = {
    "hung up": hang_up,
    "reset": reset,
    "nonsense": raw(b"\x00\xff" * 40, then_close=True),
    "another protocol": raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", then_close=True),
    "HTTP/2 preface": raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", then_close=True),
    "half a status line": raw(b"HTTP/1.1 2", then_close=True),
    "no status": raw(b"HTTP/1.1 OK\r\n\r\n", then_close=True),
    "half a head": raw(HEAD + b"Content-Le", then_close=True),
    "half a body": raw(HEAD + b'Content-Length: 99\r\n\r\n{"MessageId": "x"', then_close=True),
    "half a chunk": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{", then_close=True),
    "HTML": answer(200, b"<html>a proxy's page</html>", "Content-Type: text/html"),
    "an empty body": answer(200, b""),
    "not UTF-8": answer(200, b"\xff\xfe{}"),
}
# What botocore reads as an answer nevertheless, for the transport to judge.
LOST_ON_THE_WIRE: dict[str, Behaviour] = {
    "a list": ok(["MessageId"]),
    "a text": ok("MessageId"),
    "a number": ok(7),
    "null": ok(None),
    "deep nesting": answer(200, b"[" * 100_000),
    "a length that is none": raw(HEAD + b"Content-Length: -5\r\n\r\n{}", then_close=True),
    "two lengths": raw(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", then_close=True),
    "a length and chunks": raw(HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", then_close=True),
    "gzip that nobody asked for": raw(HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}", then_close=True),
    "a chunk without its end": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n", then_close=True),
    "a folded header": raw(HEAD + b"X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}", then_close=True),
    "a head without an end": raw(HEAD + b"X-A: " + b"b" * 200_000, then_close=True),
    "a body of 4 GB": raw(HEAD + b"Content-Length: 4294967296\r\n\r\n{}", then_close=True),
    "interim answers for ever": raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 50, then_close=True),
    "a wrong checksum": ok({"MessageId": "x"}, "x-amz-crc32: 1"),
}


@pytest.mark.parametrize("name", [*LOST, *LOST_ON_THE_WIRE])
def test_an_answer_that_is_none_is_lost(server: RawServer, name: str):
    server.script = [{**LOST, **LOST_ON_THE_WIRE}[name]]
    with pytest.raises(AnswerLost):
        api_of("wire").call("SendEmail", REQUEST)
    assert len(server.received) == 1


# botocore takes these for answers without a message id, which is for the transport to judge.
ANSWERS_TO_BOTOCORE = {"half a head", "HTML", "an empty body", "not UTF-8"}


@pytest.mark.parametrize("name", [name for name in LOST if name not in ANSWERS_TO_BOTOCORE])
def test_an_answer_that_is_none_is_lost_over_boto3_too(server: RawServer, name: str):
    server.script = [LOST[name]]
    with pytest.raises(AnswerLost):
        api_of("boto3").call("SendEmail", REQUEST)
    assert len(server.received) == 1


@both
@pytest.mark.parametrize("value", [["MessageId"], "MessageId", 7, None, {"MessageId": 7}, {}])
def test_no_answer_raises_anything_but_what_is_documented(server: RawServer, kind: str, value: object):
    server.script = [ok(value)]
    try:
        api_of(kind).call("SendEmail", REQUEST)
    except WireError as error:
        assert isinstance(error, AnswerLost)  # noqa: PT017 - some of them are answers


@both
@pytest.mark.parametrize(
    ("status", "body", "header", "code"),
    [
        (400, b'{"message": "No."}', "x-amzn-ErrorType: MessageRejected", "MessageRejected"),
        (400, b'{"message": "No."}', "x-amzn-ErrorType: MessageRejected:http://aws/", "MessageRejected"),
        (400, b'{"__type": "com.amazon#MessageRejected", "message": "No."}', "X-A: b", "MessageRejected"),
        (429, b'{"Message": "No."}', "x-amzn-ErrorType: TooManyRequestsException", "TooManyRequestsException"),
        (
            500,
            b'{"message": "No."}',
            "x-amzn-ErrorType: InternalServiceErrorException",
            "InternalServiceErrorException",
        ),
    ],
)
def test_an_error_of_aws_has_its_code(server: RawServer, kind: str, status: int, body: bytes, header: str, code: str):
    server.script = [answer(status, body, header)]
    with pytest.raises(ServiceError) as raised:
        api_of(kind).call("SendEmail", REQUEST)
    assert (raised.value.code, raised.value.words, raised.value.status) == (code, "No.", status)


@pytest.mark.parametrize("status", [301, 307, 400, 403, 407, 408, 429, 502, 503, 504])
def test_a_proxy_s_page_has_a_status_and_no_code(server: RawServer, status: int):
    server.script = [answer(status, b"<html>no</html>", "Content-Type: text/html", "Location: http://example.com/")]
    with pytest.raises(ServiceError) as raised:
        api_of("wire").call("SendEmail", REQUEST)
    assert (raised.value.code, raised.value.status) == ("", status)
    assert len(server.received) == 1


@pytest.mark.parametrize("dripped", [b"", b"HTTP/1.1 200 OK\r\nX-Padding: ", HEAD + b"Content-Length: 100000\r\n\r\n{"])
def test_a_dripping_peer_is_left_when_the_time_is_over(server: RawServer, dripped: bytes):
    server.script = [drip(dripped)]
    with pytest.raises(AnswerLost, match="no answer in time"):  # without a deadline this would never end
        api_of("wire", seconds=LIMIT).call("SendEmail", REQUEST)


def test_a_peer_that_does_not_read_is_left_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        known(monkeypatch, f"http://127.0.0.1:{deaf.getsockname()[1]}")
        api = WireApi(SES, "us-east-1", Limits(connect=LIMIT, attempt=LIMIT, bytes_a_second=1e9))
        with pytest.raises(NotWritten, match="no answer in time"):
            api.call("SendEmail", {"Content": "x" * 50_000_000})


@pytest.mark.parametrize("read", [0, 1, 100_000, 700_000])
def test_a_request_that_is_cut_off_in_any_piece_is_not_written(monkeypatch: pytest.MonkeyPatch, read: int):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        known(monkeypatch, f"http://127.0.0.1:{listener.getsockname()[1]}")
        peer = Thread(target=_read_and_reset, args=(listener, read))
        peer.start()
        api = WireApi(
            SES, "us-east-1", Limits(connect=PATIENCE, attempt=PATIENCE), encode=lambda _: Body(*[b"x" * 15_000] * 3000)
        )
        with pytest.raises(NotWritten):
            api.call("SendBulkEmail", REQUEST)
        peer.join(PATIENCE)


def _read_and_reset(listener: socket.socket, size: int) -> None:
    """Read so many bytes of a request, which has more than a socket can hold."""
    connection, _ = listener.accept()
    with connection:
        while size > 0:
            size -= len(connection.recv(size))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@both
def test_a_refused_connection_is_not_written(monkeypatch: pytest.MonkeyPatch, kind: str):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    known(monkeypatch, f"http://127.0.0.1:{port}")
    with pytest.raises(NotWritten):
        api_of(kind).call("SendEmail", REQUEST)


@both
@pytest.mark.parametrize("host", ["no-such-host.invalid", "xn--a.invalid"])
def test_a_name_that_is_not_found_is_not_written(monkeypatch: pytest.MonkeyPatch, kind: str, host: str):
    known(monkeypatch, f"http://{host}")
    with pytest.raises(NotWritten):
        api_of(kind).call("SendEmail", REQUEST)


@both
def test_untrusted_certificate_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str):
    context, _ = server_context(tmp_path)
    with raw_server(context) as server:
        known(monkeypatch, server.url)
        with pytest.raises(NotWritten):
            api_of(kind).call("SendEmail", REQUEST)
        assert not server.received


@both
def test_a_certificate_of_another_host_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str):
    context, chain = server_context(tmp_path, "other.test")
    with raw_server(context) as server:
        known(monkeypatch, server.url)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(chain))
        with pytest.raises(NotWritten):
            api_of(kind).call("SendEmail", REQUEST)
        assert not server.received


@both
def test_a_peer_that_speaks_no_tls_is_not_written(monkeypatch: pytest.MonkeyPatch, kind: str):
    with raw_server() as server:
        known(monkeypatch, server.url.replace("http:", "https:"))
        with pytest.raises(NotWritten):
            api_of(kind, seconds=LIMIT).call("SendEmail", REQUEST)
        assert not server.received


@both
def test_a_tls_handshake_that_breaks_off_is_not_written(monkeypatch: pytest.MonkeyPatch, kind: str):
    listener = socket.create_server(("127.0.0.1", 0))
    known(monkeypatch, f"https://127.0.0.1:{listener.getsockname()[1]}")
    from threading import Thread

    def drop() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)

    thread = Thread(target=drop, daemon=True)
    thread.start()
    with pytest.raises(NotWritten):
        api_of(kind).call("SendEmail", REQUEST)
    thread.join()
    listener.close()


@both
def test_over_tls_a_lost_answer_is_lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str):
    context, chain = server_context(tmp_path)
    with raw_server(context) as server:
        known(monkeypatch, server.url)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(chain))
        api = api_of(kind)
        assert api.call("SendEmail", REQUEST)["MessageId"] == "message-1"
        for step in (hang_up, reset, raw(HEAD + b'Content-Length: 99\r\n\r\n{"Mess', then_close=True)):
            server.script = [step]
            with pytest.raises(AnswerLost):
                api.call("SendEmail", REQUEST)
        assert len(server.received) == 4


def test_a_silent_peer_is_left_when_the_time_is_over(server: RawServer):
    server.script = [silent]
    with pytest.raises(AnswerLost, match="no answer in time"):
        api_of("wire", seconds=LIMIT).call("SendEmail", REQUEST)


def test_chunks_interim_answers_and_bodies_to_the_end_are_read(server: RawServer):
    chunked = b'Transfer-Encoding: chunked\r\n\r\n9;ext=1\r\n{"n": "a",\r\n0\r\nX-Trailer: 1\r\n\r\n'
    chunked = chunked.replace(b'9;ext=1\r\n{"n": "a",\r\n', b'9;ext=1\r\n{"Message\r\n8\r\nId":"a"}\r\n')
    server.script = [
        raw(HEAD + chunked),
        raw(b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b'Content-Length: 17\r\n\r\n{"MessageId":"b"}'),
        raw(b'HTTP/1.0 200 OK\r\n\r\n{"MessageId":"c"}', then_close=True),
        raw(HEAD + b'Connection: close\r\nContent-Length: 17\r\n\r\n{"MessageId":"d"}'),
        numbered,
    ]
    api = api_of("wire")
    requests = [{"n": n} for n in range(5)]
    found = [api.call("SendEmail", request)["MessageId"] for request in requests]
    assert found == ["a", "b", "c", "d", "message-for-4"]
    assert server.connections == 3  # the first two were left open


def test_an_answer_with_something_behind_it_ends_its_connection(server: RawServer):
    """What lies behind it would be taken for the answer to the next request."""
    first = HEAD + b'Content-Length: 17\r\n\r\n{"MessageId":"a"}'
    server.script = [raw(first + HEAD + b'Content-Length: 21\r\n\r\n{"MessageId":"stolen"}')]
    server.default = numbered
    api = api_of("wire")
    assert api.call("SendEmail", {"n": 0})["MessageId"] == "a"
    assert api.call("SendEmail", {"n": 1})["MessageId"] == "message-for-1"
    assert server.connections == 2


def test_requests_use_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: RawServer):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://ses.test:8080")
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//ada:l%40velace@"))
    assert api_of("wire").call("SendEmail", REQUEST)["MessageId"] == "message-1"
    (request,) = server.received
    assert request.line == "POST http://ses.test:8080/v2/email/outbound-emails HTTP/1.1"
    assert request.headers["host"] == "ses.test:8080"
    assert request.headers["proxy-authorization"] == "Basic YWRhOmxAdmVsYWNl"


def test_a_proxy_that_refuses_to_connect_leaves_nothing_written(monkeypatch: pytest.MonkeyPatch, server: RawServer):
    server.script = [answer(407, b"")]
    known(monkeypatch, "https://ses.test")
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    with pytest.raises(NotWritten, match="the proxy answered 407"):
        api_of("wire").call("SendEmail", REQUEST)
    assert server.received[0].line == "CONNECT ses.test:443 HTTP/1.1"


def test_a_role_and_a_session_sign_as_who_they_are(server: RawServer):
    session = boto3.session.Session("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "a-token")
    WireApi(SES, "eu-west-1", Limits(PATIENCE, PATIENCE), Access(session)).call("SendEmail", REQUEST)
    assert server.received[0].headers["x-amz-security-token"] == "a-token"
    assert "/eu-west-1/ses/aws4_request" in server.received[0].headers["authorization"]
