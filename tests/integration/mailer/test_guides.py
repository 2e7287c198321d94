"""The guides and tutorials of sending run as they are written: files are put in place, other Python is executed."""

import asyncio
import json
import logging
import re
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import pytest
from prometheus_client import REGISTRY

from mailer import Message, Status
from mailer.cli import main
from mailer.stores.transfer.formats import NAMES
from mailer.testing import Ses
from mailer.verification import new_browser_secret, new_key
from mailstack_localcloud import LocalCloud
from tests.unit.mailer.feedback.payloads import load, parsed
from tests.unit.mailer.verification.asgi import Browser
from tests.unit.mailer.webhooks.signing import asgi
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[3] / "docs"
SENDING = DOCS / "guides" / "sending.md"
_BLOCK = re.compile(r"(?:^`(?P<file>[\w/.]+)`\n\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
WELCOME = "Welcome to example.test"
TENANT = "mailstack-prod-acme"


@pytest.fixture
def ses(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Ses]:
    """A stack named `prod`, as the guides have it, and a folder for the files that they show."""
    given = Ses(cloud)
    prod = given.outputs.model_copy(update={"stack": "prod"})
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": prod.to_json()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield given
    for name in [name for name in set(sys.modules) - before if name.split(".")[0].startswith("shop")]:
        del sys.modules[name]


def run(page: Path, folder: Path, ses: Ses | None = None) -> dict[str, Any]:
    """Put the files of a page into the folder and execute its other Python, in order; events arrive in between."""
    names: dict[str, Any] = {}
    for block in (match.groupdict() for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))):
        if block["file"]:
            path = folder / block["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block["code"], encoding="utf-8")
        elif block["kind"] == "python":
            exec(compile(block["code"], str(page), "exec"), names)  # noqa: S102 - our own guide
            if ses:
                ses.process_feedback()
    return names


def test_the_guide_of_sending_runs(ses: Ses, cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cloud.control("PUT", "account", {"max_send_rate": 1000.0})
    in_bulk = ses.outputs.model_copy(update={"stack": "prod", "bulk": True})
    monkeypatch.setenv("MAILSTACK_OUTPUTS", in_bulk.to_json())
    run(SENDING, tmp_path)
    shipped = "Your order 1042 has shipped"
    subjects = [mail.subject for mail in ses.sent]
    assert subjects == [WELCOME, shipped, shipped, *["Our opening hours"] * 202]
    kept = cloud.control("GET", "messages?limit=1000")["messages"]
    assert sum(one["tags"]["ses:operation"] == ["SendBulkEmail"] for one in kept) > 100


def test_guide_of_verification_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_VERIFICATION_KEYS", new_key())
    monkeypatch.chdir(tmp_path)
    names = run(DOCS / "guides" / "verification.md", tmp_path)
    verification, given = names["verification"], list[str]()
    browser = new_browser_secret()
    verification.send_code(names["SIGN_IN"], "ada@example.com", browser=browser, account="7", mail=kept(given))
    wrong = f"{(int(given[0]) + 1) % 10**6:06}"
    assert names["enter"]("ada@example.com", wrong, browser, "192.0.2.7") is None
    assert names["enter"]("ada@example.com", given[0], browser, "192.0.2.7") == "7"
    verification.send_link(names["SIGN_UP"], "bob@example.com", url=names["URL"], mail=kept(given))
    token = given[1].rpartition("/")[2]
    assert (names["get"](token, ""), names["post"](token, ""), names["post"](token, "")) == ("ready", True, False)
    assert names["get"](token, "") == "repeated"
    assert names["ask"]("ada@example.com", browser, "192.0.2.7")
    assert Browser(names["app"]).get("/verify/sign-in").forms
    verification.close()
    assert len(list((tmp_path / "mails").glob("*.html"))) > 1


def kept(given: list[str]) -> Callable[[str], Message]:
    def mail(secret: str) -> Message:
        given.append(secret)
        return Message(subject="Verification", text=secret)

    return mail


@pytest.fixture
def unregistered() -> None:
    """Prometheus's registry of this process without the metrics of other pages and examples."""
    known = cast("Any", REGISTRY)._collector_to_names
    for collector in [one for one, names in known.items() if any(name.startswith("mailstack_") for name in names)]:
        REGISTRY.unregister(collector)


@pytest.mark.usefixtures("unregistered")
def test_the_guide_of_observability_runs(ses: Ses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket(type=socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(PATIENCE)
        monkeypatch.setenv("SYSLOG_PORT", str(collector.getsockname()[1]))
        with handlers_restored():
            observe(ses, tmp_path)
        # Requests come first, one datagram each.
        records = iter(lambda: json.loads(collector.recv(65_535).partition(b">")[2].rstrip(b"\0")), None)
        facts = next(one for one in records if "ok" in one)
    assert facts["ok"]
    assert facts["id"] in facts["message"]


@contextmanager
def handlers_restored() -> Generator[None]:
    """Leave the loggers of this process as they are."""
    loggers = [logging.getLogger(name) for name in ("mailer", "mailer.wire")]
    before = [(list(logger.handlers), logger.level) for logger in loggers]
    try:
        yield
    finally:
        for logger, (handlers, level) in zip(loggers, before, strict=True):
            for handler in set(logger.handlers) - set(handlers):
                logger.removeHandler(handler)
                handler.close()
            logger.setLevel(level)


def observe(ses: Ses, tmp_path: Path) -> None:
    names = run(DOCS / "guides" / "observability.md", tmp_path)
    mail = names["Message"](subject="Hello", text="Hello", to="ada@example.com")
    hooks = [names[hook]() for hook in ("NoNewsletterOnSunday", "OpenTelemetryHook")]
    assert names["Mailer"].from_stack("prod", hooks=hooks).send(mail).ok
    with pytest.raises(ValueError, match="Duplicated timeseries"):  # the guide has registered the metrics
        names["PrometheusHook"]()


def test_the_guide_of_mail_without_events_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "guides" / "message-log.md").read_text(encoding="utf-8")
    part = tmp_path / "part.md"
    part.write_text(page.partition("## Mail without events of SES")[2], encoding="utf-8")
    assert run(part, tmp_path)["result"].ok


@pytest.mark.parametrize("page", ["stores.md", "suppressions.md"])
def test_guides_of_sql_stores_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str):
    monkeypatch.chdir(tmp_path)
    run(DOCS / "guides" / page, tmp_path)
    assert (tmp_path / "mail.db").exists()


def test_the_guide_of_reports_runs(ses: Ses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    key = "an-example-key-of-32-characters-or-more"
    monkeypatch.setenv("MAILSTACK_METRICS_KEYS", key)
    monkeypatch.chdir(tmp_path)
    run(DOCS / "guides" / "reports.md", tmp_path)
    import shop_metrics  # pyright: ignore[reportMissingImports] - the guide's own file

    call = asgi(shop_metrics.app)
    headers = {"authorization": f"Bearer {key}"}
    for name in ("summary", "bounces", "complaints", "suppressions"):
        assert call(f"/metrics/email/{name}", method="GET", headers=headers, query="days=7").status == 200
    assert call("/metrics/email/summary", method="GET").status == 401
    shop_metrics.webhook.close()


def test_the_guide_of_webhooks_runs(ses: Ses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    names = run(DOCS / "guides" / "webhooks.md", tmp_path)
    from shop_events import app, support, webhook  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    assert (asgi_status(app, "/health", "GET"), post(app, "/webhooks/ses")) == (200, 400)
    started: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/health/ready", "REMOTE_ADDR": "127.0.0.1"}
    names["application"](environ, lambda status, _: started.append(status))
    assert started == ["200 OK"]
    webhook._processor.process(parsed(load("bounce")))
    webhook._hooks.call(parsed(load("bounce")))
    assert support.notes == ["ada@example.org: Permanent General 5.1.1 smtp; 550 5.1.1 <***>... User unknown"]
    webhook.close()


def test_the_guide_of_unsubscribe_links_runs(ses: Ses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    names = run(DOCS / "guides" / "unsubscribe.md", tmp_path)
    path = names["link"].removeprefix("https://shop.example.com")
    assert [asgi_status(names["app"], path, method) for method in ("GET", "POST")] == [200, 400]
    (mail,) = (tmp_path / "mails").glob("*.eml")
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in mail.read_bytes()
    names["stores"].close()


def test_guide_of_suppressions_names_every_format():
    text = (DOCS / "guides" / "suppressions.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in text] == []


def test_the_guide_names_every_status():
    text = SENDING.read_text(encoding="utf-8")
    assert [status for status in Status if f"| `{status}` |" not in text] == []


def test_the_guide_of_message_options_runs(ses: Ses, tmp_path: Path):
    client = ses.cloud.client("sesv2")
    client.create_email_identity(EmailIdentity="example.com")
    ses.cloud.control("POST", "identities/example.com/verify")
    client.create_email_template(TemplateName="welcome", TemplateContent={"Subject": "Hi {{name}}", "Text": "{{name}}"})
    run(DOCS / "guides" / "message-options.md", tmp_path)
    invoice, *others = ses.sent
    assert (invoice.subject, invoice.cc, len(invoice.attachments)) == ("Your invoice", ("Bob <bob@example.com>",), 2)
    assert [mail.subject for mail in others] == [WELCOME, "Hi Ada", "Hello"]


def test_the_guide_of_tenants_runs(ses: Ses, tmp_path: Path):
    client = ses.cloud.client("sesv2")
    client.create_tenant(TenantName=TENANT)
    for arn in (ses.outputs.identity_arn, ses.outputs.streams["transactional"].configuration_set_arn):
        client.create_tenant_resource_association(TenantName=TENANT, ResourceArn=arn)
    run(DOCS / "guides" / "tenants.md", tmp_path)
    assert [mail.subject for mail in ses.sent] == [WELCOME]


def test_the_guide_of_templates_runs(ses: Ses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    names = run(DOCS / "guides" / "templates.md", tmp_path)
    assert [mail.subject for mail in ses.sent] == ["Order 7 is on its way"]
    assert names["text"].startswith(
        "You left something behind\n\nA kettle\n\nTEA5\n\nBack to your cart:\nhttps://example.com/cart\n"
    )
    assert main(["templates", "compile", str(tmp_path / "shop")]) == 0
    assert "Follow the parcel" in (tmp_path / "shop" / "order_shipped.html").read_text(encoding="utf-8")
    order = {"number": 7, "items": ["A kettle"], "tracking_url": "https://example.com/track/7"}
    (tmp_path / "order.json").write_text(json.dumps(order))
    command = ["templates", "score", "shop.mails:OrderShipped", "--data", "order.json", "--brand", "brand.toml"]
    assert main([*command, "--no-browser", "--no-spam"]) == 0


def test_the_tutorial_suppresses_a_bounce(ses: Ses, tmp_path: Path):
    names = run(DOCS / "tutorial" / "first-mail.md", tmp_path, ses)
    assert [mail.to for mail in ses.sent] == [
        ("success@simulator.amazonses.com",),
        ("bounce@simulator.amazonses.com",),
    ]
    assert [recipient.status for recipient in names["result"]] == [Status.SUPPRESSED]
    assert ses.suppressions.get_many(["bounce@simulator.amazonses.com"]) == {}


def post(app: Any, path: str, **query: str) -> int:
    return asgi_status(app, path, "POST", **query)


def asgi_status(app: Any, path: str, method: str, **query: str) -> int:
    """The status of an ASGI application's answer."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "root_path": "", "headers": []}
    scope |= {"query_string": urlencode(query).encode(), "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1)}
    asyncio.run(app(scope, receive, send))
    (status,) = statuses
    return status


def test_the_fastapi_application_of_the_tutorial_sends(ses: Ses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "tutorial" / "fastapi.md").read_text(encoding="utf-8")
    code = _BLOCK.search(page)
    assert code
    (tmp_path / "shop_api.py").write_text(code["code"], encoding="utf-8")
    assert main(["store", "migrate", "--store", "sqlite:///shop.db"]) == 0
    from shop_api import app  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    assert asyncio.run(statuses_of(app, ses)) == [200, 202, 500, 200, 422, 503]
    arrived = [(mail.to, mail.subject) for mail in ses.sent]
    assert sorted(arrived) == [
        (("ada@example.com",), WELCOME),
        (("ada@gone.test",), WELCOME),
        (("bob@example.com",), "Your order 1042"),
    ]


async def statuses_of(app: Any, ses: Ses) -> list[int]:
    """What the application of the tutorial answers while its lifespan runs, as a server runs it."""
    ses.behave("*@gone.test", "bounce")
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://api.example.com") as client:

            async def posted(path: str, name: str, email: str) -> int:
                return (await client.post(path, json={"name": name, "email": email})).status_code

            answers = [
                await posted("/welcome", "Ada", "ada@example.com"),
                await posted("/orders/1042", "Bob", "bob@example.com"),
            ]
            await asyncio.to_thread(eventually, lambda: len(ses.sent) == 2, "the relay does not send")
            answers.append(await posted("/orders/1042", "Eve", "eve@example.com"))  # no order, and so no mail
            answers.append(await posted("/welcome", "Ada", "ada@gone.test"))
            ses.process_feedback()
            answers.append(await posted("/welcome", "Ada", "ada@gone.test"))
            with ses.fault("error", code="MessageRejected"):
                answers.append(await posted("/welcome", "Ada", "ada@example.com"))
            return answers


def test_the_guides_of_smtp_and_microsoft_365_run(ses: Ses, tmp_path: Path):
    names = run(DOCS / "guides" / "smtp.md", tmp_path)
    assert (names["mailer"].outputs.sender, names["roads"].name) == ("Shop <shop@example.com>", "split(smtp, smtp)")
    names = run(DOCS / "guides" / "microsoft365.md", tmp_path)
    assert (names["transport"].name, names["graph"].name) == ("microsoft365", "graph")


def test_the_guide_of_the_outbox_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    names = run(DOCS / "guides" / "outbox.md", tmp_path)
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 1
    names["engine"].dispose()
    names["mailer"].close()
    names["stores"].close()
