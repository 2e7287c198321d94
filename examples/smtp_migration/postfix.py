"""The old SMTP server: Postfix of Debian, on loopback, in a folder of its own. No mail leaves this machine."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

# Each mail is held in the queue, to be counted. There is no log file: the daemon that writes one logs through its own
# queue, and if that is full before it has started, on a busy machine, all of Postfix waits for ever.
_MAIN = """\
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
local_recipient_maps =
smtpd_recipient_restrictions = check_client_access static:HOLD
smtpd_relay_restrictions = permit_mynetworks, reject
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
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
"""
# Seconds that the server may take to listen.
PATIENCE = 120.0
_PAUSE = 0.1


class PostfixMissing(Exception):  # noqa: N818 - it says what is missing
    """Postfix cannot be started here; the text says what to do."""


@dataclass(frozen=True)
class Postfix:
    """A running server.

    Attributes:
        port: Of 127.0.0.1.
        folder: Its configuration and queue.
    """

    port: int
    folder: Path

    def count(self) -> int:
        """How many mails have arrived."""
        return len(self.run("postqueue", "-j").splitlines())

    def run(self, program: str, *arguments: str) -> str:
        """What a program of Postfix prints about this server."""
        command = [program, "-c", str(self.folder / "config"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


@contextmanager
def running(settings: Mapping[str, str] = MappingProxyType({})) -> Generator[Postfix]:
    """Postfix until the block ends.

    Args:
        settings: Lines of main.cf that replace those above.

    Raises:
        PostfixMissing: It is not installed, this is not root, or it does not listen.
    """
    program = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise PostfixMissing("Postfix is not installed. On Debian: apt-get install postfix")
    if os.geteuid() != 0:
        raise PostfixMissing("Postfix starts as root alone. Run this as root, or in a container.")
    # Its daemons run as another user, so they must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:
        server = _prepared(Path(name), settings)
        command = [program, "-c", str(server.folder / "config")]
        with subprocess.Popen([*command, "start-fg"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _wait(server, process)
                yield server
            finally:
                subprocess.run([*command, "stop"], check=False, capture_output=True, timeout=PATIENCE)


def _prepared(folder: Path, settings: Mapping[str, str]) -> Postfix:
    folder.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for part in ("config", "queue", "data"):
        (folder / part).mkdir()
    more = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (folder / "config" / "main.cf").write_text(_MAIN.format(folder=folder) + more)
    (folder / "config" / "master.cf").write_text(_MASTER.format(port=port))
    shutil.chown(folder / "data", "postfix")
    return Postfix(port, folder)


def _wait(server: Postfix, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        time.sleep(_PAUSE)
    raise PostfixMissing("Postfix does not start. `postfix check` may say why.")
