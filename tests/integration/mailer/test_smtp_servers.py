"""The SMTP transport against servers that nobody here wrote for it: Postfix, and SES's interface of the local cloud."""

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailer import Message, SmtpTransport, Status
from mailer.mailer import Mailer
from mailer.testing import Ses
from tests.system import require_tool
from tests.waiting import eventually

pytestmark = pytest.mark.integration

MESSAGE = Message(subject="Grüße", text="Hello\n.\n..dots", to="ada@example.com", sender="shop@example.com")
# Each mail is held, so that the test can read it; no mail leaves this machine.
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
default_transport = discard
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
local_recipient_maps =
message_size_limit = 100000
smtpd_recipient_restrictions =
    check_recipient_access inline:{{{{full@example.com = 452 4.2.2 mailbox full}}}},
    check_recipient_access inline:{{{{nobody@example.com = 550 5.1.1 user unknown}}}},
    check_client_access static:HOLD
smtpd_relay_restrictions = check_sender_access inline:{{foreign@example.org=REJECT}}, permit_mynetworks, reject
"""
_MASTER = """
{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
pickup unix n - n 60 1 pickup
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
showq unix n - n - - showq
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    port: int
    folder: Path

    def queue(self) -> dict[str, dict[str, object]]:
        listed = self._run("postqueue", "-j").splitlines()
        return {found["queue_id"]: found for found in map(json.loads, listed)}

    def mail(self, queue_id: str) -> str:
        return self._run("postcat", "-hbq", queue_id)

    def _run(self, program: str, *arguments: str) -> str:
        command = [program, "-c", str(self.folder / "config"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    program = require_tool("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root alone")
    # Not pytest's folder, which its owner alone may enter: Postfix's daemons run as another user.
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        for part in ("config", "queue", "data"):
            (folder / part).mkdir()
        (folder / "config" / "main.cf").write_text(_MAIN.format(folder=folder))
        (folder / "config" / "master.cf").write_text(_MASTER.format(port=f"127.0.0.1:{port}"))
        subprocess.run(["chown", "postfix", folder / "data"], check=True)
        command = [program, "-c", str(folder / "config")]
        # Not `start`, which gives up after some seconds on a busy machine.
        with subprocess.Popen([*command, "start-fg"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            try:
                eventually(lambda: listens(port) or process.poll() is not None, "Postfix does not listen")
                assert process.poll() is None, process.stderr and process.stderr.read()
                yield Postfix(port, folder)
            finally:
                subprocess.run([*command, "stop"], check=False, capture_output=True)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def through_postfix(postfix: Postfix) -> Iterator[Mailer]:
    transport = SmtpTransport("127.0.0.1", postfix.port, security="loopback")
    yield Mailer.over(transport, sender="shop@example.com")
    transport.close()


def test_result_has_the_queue_id_of_postfix(postfix: Postfix, through_postfix: Mailer):
    result = through_postfix.send(MESSAGE)
    assert result.ok
    assert result.message_id in postfix.queue()
    mail = postfix.mail(result.message_id)
    assert f"Message-ID: {result.message_id_header}" in mail
    assert "\n.\n..dots" in mail or "Content-Transfer-Encoding: base64" in mail


def test_postfix_refuses_and_defers_single_recipients(through_postfix: Mailer):
    recipients = ["nobody@example.com", "ada@example.com", "full@example.com"]
    result = through_postfix.send(MESSAGE, to=recipients)
    assert [one.status for one in result] == [Status.REFUSED, Status.SENT, Status.FAILED]


def test_postfix_refuses_a_message_that_is_too_large(through_postfix: Mailer):
    large = Message(subject="Large", text="x" * 200_000, to="bob@example.com")
    refused = through_postfix.send(large)["bob@example.com"]
    assert (refused.status, "larger than the server allows" in refused.reason) == (Status.REFUSED, True)


def test_postfix_refuses_to_relay(through_postfix: Mailer):
    refused = through_postfix.send(MESSAGE, sender="foreign@example.org")["ada@example.com"]
    assert refused.status is Status.REFUSED


def test_ses_over_smtp_carries_stream_tags_and_events(ses: Ses):
    access = ses.cloud.smtp
    transport = SmtpTransport(
        access.host,
        access.port,
        username=access.username,
        password=access.password,
        context=access.context(),
        ses=ses.outputs,
    )
    mail = Mailer(ses.outputs, transport=transport)
    result = mail.send(Message(subject="a", text="b", to="ada@example.com", tags={"campaign": "may"}))
    assert result.ok, result
    (sent,) = ses.sent
    assert (result.message_id, sent.tags.get("campaign")) == (sent.message_id, "may")
    transport.close()
