"""Run the service against a local cloud: `python -m examples.ses_provider`."""

import argparse
import os
import signal
from base64 import b64encode
from contextlib import ExitStack, suppress
from secrets import token_urlsafe
from tempfile import TemporaryDirectory

import uvicorn

from examples.ports import HOST, free_port
from mailer.testing import Ses
from mailstack_localcloud import LocalCloud

from .app import METRICS_PAGE, create_app
from .postgresql import database
from .settings import Provider, Settings
from .subscription import subscribed

HELP = """
The service:  {url}
The mails:    {mails}
The metrics:  {url}{page}   key: {metrics}
Remove a suppression with the key {admin}
Send a mail:
  curl -H 'Authorization: Bearer {caller}' -H 'Content-Type: application/json' \\
    -d '{{"to": ["ada@example.com"], "subject": "Hello", "text": "Hello"}}' {url}/api/mails
Ctrl-C ends it.
"""


def main() -> None:
    """Start a local cloud, a PostgreSQL and the service, until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was started ends, too
    parser = argparse.ArgumentParser(prog="python -m examples.ses_provider", description=__doc__)
    parser.add_argument("--port", type=free_port, default="8000", help="port of the service (default: 8000)")
    port = parser.parse_args().port
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        cloud = stack.enter_context(LocalCloud.start())
        url, ses = f"http://{HOST}:{port}", Ses(cloud)
        base = os.environ.get("DATABASE_URL") or stack.enter_context(database())
        provider = os.environ.get("EMAIL_PROVIDER", Provider.AWS_SES)
        os.environ.update(environment(ses, base, provider, folder))
        settings = Settings.from_environment(os.environ)
        server = uvicorn.Server(uvicorn.Config(create_app(settings), HOST, port, log_level="warning"))
        if settings.provider is Provider.AWS_SES:
            stack.enter_context(subscribed(ses, url, lambda: server.started))
        mails = cloud.inbox_url if provider != Provider.CONSOLE else f"{folder}/index.html"
        print(_help(url, mails))  # noqa: T201 - how to use it
        with suppress(KeyboardInterrupt):  # which uvicorn raises again when it has stopped
            server.run()


def environment(ses: Ses, base: str, provider: str, folder: str) -> dict[str, str]:
    """The variables of the service, for each provider. Its keys are new with each start."""
    smtp = ses.cloud.smtp
    return {
        **ses.cloud.environment(),
        "EMAIL_PROVIDER": provider,
        "EMAIL_FROM": "no-reply@example.test",
        "EMAIL_FROM_NAME": "Mail service",
        "EMAIL_FOLDER": folder,
        "DATABASE_URL": base,
        "API_KEYS": token_urlsafe(32),
        "MAILSTACK_STACK": ses.outputs.stack,
        "MAILSTACK_OUTPUTS": ses.outputs.to_json(),
        "MAILSTACK_STORE_KEYS": b64encode(os.urandom(32)).decode(),
        "MAILSTACK_METRICS_KEYS": token_urlsafe(32),
        "MAILSTACK_METRICS_ADMIN_KEYS": token_urlsafe(32),
        "SMTP_HOST": smtp.host,
        "SMTP_PORT": str(smtp.port),
        "SMTP_USERNAME": smtp.username,
        "SMTP_PASSWORD": smtp.password,
        "SSL_CERT_FILE": smtp.certificate,
    }


def _help(url: str, mails: str) -> str:
    metrics, admin = os.environ["MAILSTACK_METRICS_KEYS"], os.environ["MAILSTACK_METRICS_ADMIN_KEYS"]
    caller = os.environ["API_KEYS"]
    return HELP.format(url=url, mails=mails, page=METRICS_PAGE, metrics=metrics, admin=admin, caller=caller)


if __name__ == "__main__":
    main()
