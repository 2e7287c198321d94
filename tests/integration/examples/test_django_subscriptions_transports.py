"""The example of Django with its mail through SMTP and through Microsoft 365, by one setting; and its one command."""

import email
import email.policy
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from examples.django_subscriptions.__main__ import smtp
from mailstack_localcloud import LocalCloud
from tests.integration.examples.subscriptions_site import ADMIN, PASSWORD, SECONDS, Site, subscriptions_site
from tests.microsoft import microsoft
from tests.processes import child
from tests.smtp_server import SmtpServer, smtp_server
from tests.unit.mailer.wire.certificates import server_context
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
NEW = "another pass phrase"
SUBJECTS = (
    "Your payment of",
    "Your plan changes to Team",
    "did not go through",
    "was cancelled",
    "has ended",
    "password was changed",
    "ALPHA: BUY → SELL",
)
SENDER = "Signals <signals@example.com>"


def test_ses_over_smtp_names_the_configuration_set(shared_cloud: LocalCloud, tmp_path: Path):
    with (
        subscriptions_site(shared_cloud, tmp_path, **smtp(shared_cloud)) as site,
        site.registered() as (_, account),
    ):
        assert site.send_event("checkout", account).status_code == 200
        mail = site.mail(account.email, "Your payment of €12.50 to Signals")
        assert "X-SES-CONFIGURATION-SET" not in mail.headers
        eventually(lambda: site.log("payment_confirmed to p***@example.com: sent"), "the log says nothing")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[SmtpServer, dict[str, str]]]:
    """An SMTP server and Entra ID, as Microsoft documents them, and the variables that lead there."""
    context, authority = server_context(tmp_path)
    with microsoft(context) as entra, smtp_server(context) as found:
        found.tokens = entra.tokens
        yield (
            found,
            {
                "MAIL_THROUGH": "microsoft365",
                "MAIL_FROM": SENDER,
                "MICROSOFT365_MAILBOX": "signals@example.com",
                "MICROSOFT365_TENANT": "example.com",
                "MICROSOFT365_CLIENT_ID": "client",
                "MICROSOFT365_CLIENT_SECRET": entra.secret,
                "MICROSOFT365_AUTHORITY": entra.url,
                "MICROSOFT365_HOST": "localhost",
                "MICROSOFT365_PORT": str(found.port),
                "SSL_CERT_FILE": str(authority),
                "REQUESTS_CA_BUNDLE": str(authority),
            },
        )


def arrived(server: SmtpServer, subject: str) -> EmailMessage:
    """The mail with a subject that contains a text; wait for it."""

    def found() -> list[EmailMessage]:
        mails = [email.message_from_bytes(one.data, policy=email.policy.default) for one in server.accepted]
        return [mail for mail in mails if subject in mail["subject"]]

    return eventually(found, f"no mail {subject!r} arrived")[-1]


def without_stack(site: Site) -> None:
    """Nothing of AWS is named in the environment of the site."""
    assert "MAILSTACK_STACK" not in {name for name, value in site.variables.items() if value}


def test_mail_goes_through_microsoft365(
    shared_cloud: LocalCloud, tmp_path: Path, server: tuple[SmtpServer, dict[str, str]]
):
    smtp_of_microsoft, variables = server
    with (
        subscriptions_site(shared_cloud, tmp_path, **variables, MAILSTACK_STACK="", MAILSTACK_OUTPUTS="") as site,
        site.person() as person,
    ):
        without_stack(site)
        assert answers(f"{site.url}/mail/health/ready")
        account = person.register("Ada")
        welcome = arrived(smtp_of_microsoft, "Welcome to Signals")
        assert welcome["from"] == SENDER
        assert [part.get_content_type() for part in welcome.iter_parts()] == ["text/plain", "text/html"]
        assert "AUTH XOAUTH2" in smtp_of_microsoft.commands
        for name in ("checkout", "updated", "failed", "cancelled", "ended"):
            assert site.send_event(name, account).status_code == 200
        person.post("/account/password/", old_password=PASSWORD, new_password1=NEW, new_password2=NEW)
        person.post("/items/ALPHA/watch/", page="/items/", watch="")
        with site.person() as admin:
            admin.sign_in("admin", ADMIN)
            admin.change_status("ALPHA", "SELL")
        for subject in SUBJECTS:
            text, _ = arrived(smtp_of_microsoft, subject).iter_parts()
            assert "Hello Ada" in text.get_content()
        smtp_of_microsoft.tokens.clear()
        person.post("/forgot-username/", email=account.email)
        arrived(smtp_of_microsoft, "user name")
        eventually(lambda: site.log("username_reminder to p***@example.com: sent"), "the log says nothing")
    assert site.ses.sent == []


def test_refusal_of_microsoft365_is_logged_with_its_remedy(
    shared_cloud: LocalCloud, tmp_path: Path, server: tuple[SmtpServer, dict[str, str]]
):
    smtp_of_microsoft, variables = server
    refusal = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."
    smtp_of_microsoft.replies["TOKEN"] = [refusal] * 50
    with (
        subscriptions_site(shared_cloud, tmp_path, **variables, MAILSTACK_STACK="", MAILSTACK_OUTPUTS="") as site,
        site.person() as person,
    ):
        person.register("Ada")
        eventually(lambda: site.log("ERROR security welcome to p***@example.com"), "the log says nothing")
        assert "5.7.139" in site.log("ERROR security welcome")[0]
        assert person.get("/account/").status_code == 200


@pytest.mark.parametrize("through", ["ses", "smtp"])
def test_one_command_runs_it(tmp_path: Path, through: str):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-u", "-m", "examples.django_subscriptions", "--port", str(port), "--through", through]
    log, url = tmp_path / "log", f"http://127.0.0.1:{port}"
    with log.open("wb") as output, child(subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)) as started:
        eventually(lambda: answers(f"{url}/static/subscriptions/style.css"), "it does not start")
        assert answers(f"{url}/mail/health/ready")
        register(url)
        eventually(lambda: "welcome to a***@example.com: sent" in log.read_text(), "no mail was sent")
        started.send_signal(signal.SIGINT)
        started.wait(PATIENCE)
    assert url in log.read_text()
    assert "Traceback" not in log.read_text()


def register(url: str) -> None:
    with httpx.Client(base_url=url, timeout=SECONDS) as person:
        found = re.search(r'csrfmiddlewaretoken" value="(\w+)"', person.get("/register/").text)
        assert found
        words = os.urandom(12).hex()
        form = {"username": "ada", "first_name": "Ada", "email": "ada@example.com", "password1": words}
        answer = person.post("/register/", data={**form, "password2": words, "csrfmiddlewaretoken": found[1]})
        assert answer.status_code == 302


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=SECONDS).status_code == 200
    except httpx.TransportError:
        return False
