"""Run the application against a local cloud: `python -m examples.django_subscriptions`."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import IO

from django.core.management import call_command

from examples.ports import HOST, free_port
from mailer.testing import Ses
from mailer.verification import new_key
from mailstack_localcloud import LocalCloud

from .preparing import prepare

SETTINGS = "examples.django_subscriptions.settings"


def main() -> None:
    """Start a local cloud, the relay and the application, until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was started ends, too
    parser = argparse.ArgumentParser(prog="python -m examples.django_subscriptions", description=__doc__)
    parser.add_argument("--port", type=free_port, default="8000", help="port of the application (default: 8000)")
    words = "how mail goes to the local cloud: SES's API, or SES's SMTP (default: ses)"
    parser.add_argument("--through", choices=("ses", "smtp"), default="ses", help=words)
    given = parser.parse_args()
    url, password = f"http://{HOST}:{given.port}", token_urlsafe(12)
    with tempfile.TemporaryDirectory() as folder, LocalCloud.start() as cloud:
        variables = environment(Ses(cloud), url, Path(folder) / "db.sqlite3")
        if given.through == "smtp":
            variables |= smtp(cloud)
        os.environ.update(variables, DJANGO_SUPERUSER_PASSWORD=password)
        prepare()
        with relay(variables):
            print(  # noqa: T201 - how to use it
                f"\nThe application:  {url}\nThe inbox:        {cloud.inbox_url}\n"
                f"An administrator: {url}/admin/ with the name admin and the password {password}\nCtrl-C ends it.\n"
            )
            serve(given.port)


def environment(ses: Ses, url: str, database: Path) -> dict[str, str]:
    """The variables of the application. Its secrets are new with each start, as is its database."""
    return {
        **ses.cloud.environment(),
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "SECRET_KEY": token_urlsafe(48),
        "SITE_URL": url,
        "DATABASE": str(database),
        "MAIL_THROUGH": "ses",
        "MAILSTACK_STACK": ses.outputs.stack,
        "MAILSTACK_OUTPUTS": ses.outputs.to_json(),
        "MAILSTACK_VERIFICATION_KEYS": new_key(),
        "MAILSTACK_STORE_KEYS": b64encode(os.urandom(32)).decode(),
        "PAYMENT_WEBHOOK_SECRETS": f"whsec_{token_urlsafe(24)}",
        "PAYMENT_TEST_EVENTS": "yes",
    }


def smtp(cloud: LocalCloud) -> dict[str, str]:
    """The variables that send through the local cloud's SMTP, whose certificate only this process trusts."""
    return {
        "MAIL_THROUGH": "smtp",
        "SMTP_HOST": cloud.smtp.host,
        "SMTP_PORT": str(cloud.smtp.port),
        "SMTP_USERNAME": cloud.smtp.username,
        "SMTP_PASSWORD": cloud.smtp.password,
        "SSL_CERT_FILE": cloud.smtp.certificate,
    }


@contextmanager
def relay(variables: Mapping[str, str], log: IO[bytes] | None = None) -> Generator[subprocess.Popen[bytes]]:
    """A process that sends what is in the outbox."""
    command = [sys.executable, "-m", "django", "mailer_outbox", "--threads", "2"]
    process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def serve(port: int) -> None:
    """Serve the application by Django's own server, which is for one machine alone, with the static files."""
    call_command("runserver", f"{HOST}:{port}", use_reloader=False, insecure_serving=True)


if __name__ == "__main__":
    main()
