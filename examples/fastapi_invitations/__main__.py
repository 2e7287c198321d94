"""Run the application against a local cloud: `python -m examples.fastapi_invitations`."""

import argparse
import os
import signal
import tempfile
from base64 import b64encode
from pathlib import Path
from secrets import token_urlsafe

import uvicorn

from examples.ports import HOST, free_port
from mailer.testing import Ses
from mailer.verification import new_key
from mailstack_localcloud import LocalCloud

from .app import create_app
from .settings import Settings
from .subscription import subscribed


def main() -> None:
    """Start a local cloud and the application, until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was started ends, too
    parser = argparse.ArgumentParser(prog="python -m examples.fastapi_invitations", description=__doc__)
    parser.add_argument("--port", type=free_port, default="8000", help="port of the application (default: 8000)")
    url = f"http://{HOST}:{parser.parse_args().port}"
    with tempfile.TemporaryDirectory() as folder, LocalCloud.start() as cloud:
        ses = Ses(cloud)
        os.environ.update(environment(ses, url))
        settings = Settings(url=url, database=f"sqlite:///{Path(folder) / 'families.db'}", stack=ses.outputs.stack)
        app = create_app(settings)
        with subscribed(ses, url):
            print(  # noqa: T201 - how to use it
                f"\nThe application: {url}\nThe inbox:       {cloud.inbox_url}\n"
                f"Numbers:         curl -H 'Authorization: Bearer {os.environ['MAILSTACK_METRICS_KEYS']}' "
                f"{url}/mail/metrics/email/summary\nCtrl-C ends it.\n"
            )
            uvicorn.run(app, host=HOST, port=int(url.rpartition(":")[2]), log_level="warning")


def environment(ses: Ses, url: str) -> dict[str, str]:
    """The variables of the application. Its keys are new with each start, as is its database."""
    return {
        **ses.cloud.environment(),
        "MAILSTACK_OUTPUTS": ses.outputs.to_json(),
        "MAILSTACK_STORE_KEYS": b64encode(os.urandom(32)).decode(),
        "MAILSTACK_VERIFICATION_KEYS": new_key(),
        "MAILSTACK_METRICS_KEYS": token_urlsafe(32),
        "MAILSTACK_UNSUBSCRIBE_KEYS": b64encode(os.urandom(32)).decode(),
        "MAILSTACK_UNSUBSCRIBE_URL": f"{url.replace('http://', 'https://')}/mail/unsubscribe",
    }


if __name__ == "__main__":
    main()
