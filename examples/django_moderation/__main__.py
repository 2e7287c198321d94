"""Run the application against a local cloud: `python -m examples.django_moderation`."""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from examples.ports import HOST, free_port
from mailer.testing import Ses
from mailer.verification import new_key
from mailstack_localcloud import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).parents[2]
MANAGE = [sys.executable, "-m", "examples.django_moderation.manage"]
# Who decides.
ADMINISTRATORS = ("admin@example.com", "review@example.com")
# Seconds between two looks whether the application serves, and how many there are.
_PAUSE, _LOOKS = 0.2, 300


def main() -> None:
    """Start a local cloud and the application, until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was started ends, too
    parser = argparse.ArgumentParser(prog="python -m examples.django_moderation", description=__doc__)
    parser.add_argument("--port", type=free_port, default="8000", help="port of the application (default: 8000)")
    url = f"http://{HOST}:{parser.parse_args().port}"
    with tempfile.TemporaryDirectory() as folder, LocalCloud.start() as cloud:
        ses, password = Ses(cloud), secrets.token_urlsafe(9)
        variables = environment(ses, url, Path(folder), DEBUG="yes")
        prepare(variables, password)
        with serving(variables, url) as server:
            ses.subscribe(f"{url}/mail/webhooks/ses")
            print(  # noqa: T201 - how to use it
                f"\nThe application: {url}\nThe inbox:       {cloud.inbox_url}\n"
                f"Administrators:  {', '.join(ADMINISTRATORS)}; password {password}\nCtrl-C ends it.\n"
            )
            wait(server)


def environment(ses: Ses, url: str, folder: Path, **more: str) -> dict[str, str]:
    """The variables of the application. Its keys are new with each start, as is its database."""
    return {
        **os.environ,
        **ses.cloud.environment(),
        "DATABASE_URL": f"sqlite:///{folder / 'moderation.db'}",
        "LOG_FILE": str(folder / "mail.log"),
        "MAILSTACK_OUTPUTS": ses.outputs.to_json(),
        "MAILSTACK_STORE_KEYS": b64encode(secrets.token_bytes(32)).decode(),
        "MAILSTACK_VERIFICATION_KEYS": new_key(),
        "SECRET_KEY": secrets.token_urlsafe(40),
        "SITE_URL": url,
        **more,
    }


def prepare(variables: dict[str, str], password: str) -> None:
    """Create the tables and the administrators."""
    manage({**variables, "DJANGO_SUPERUSER_PASSWORD": password}, "set_up", *ADMINISTRATORS)


def manage(variables: dict[str, str], *command: str) -> str:
    """Run a command of `manage.py`; return its output."""
    return subprocess.run(
        [*MANAGE, *command], cwd=ROOT, env=variables, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@contextmanager
def serving(variables: dict[str, str], url: str) -> "Generator[subprocess.Popen[bytes]]":
    """A server, as a process of its own, which answers."""
    command = [*MANAGE, "runserver", url.partition("://")[2], "--noreload", "--verbosity", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=variables) as server:
        try:
            for _ in range(_LOOKS):
                if _serves(url):
                    break
                if server.poll() is not None:
                    sys.exit("The application has ended. Is the port in use?")
                sleep(_PAUSE)
            yield server
        finally:
            server.terminate()


def wait(server: "subprocess.Popen[bytes]") -> None:
    """Until the server or the person at the keyboard ends it."""
    try:
        server.wait()
    except KeyboardInterrupt:
        return


def _serves(url: str) -> bool:
    try:
        with urlopen(f"{url}/mail/health", timeout=5) as answer:  # noqa: S310 - our own address
            return answer.status == 200  # noqa: PLR2004 - OK
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    main()
