"""The guides and tutorials of sending run as they are written: files are put in place, other Python is executed."""

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.mail import send_mail
from django.test import override_settings

from mailer import Status
from mailer.cli import main
from mailer.stores.transfer.formats import NAMES
from mailer.testing import Ses
from mailstack_localcloud import LocalCloud

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


def test_the_guide_of_sending_runs(ses: Ses, tmp_path: Path):
    run(SENDING, tmp_path)
    shipped = "Your order 1042 has shipped"
    assert [mail.subject for mail in ses.sent] == [WELCOME, shipped, shipped, *["Our opening hours"] * 2]


def test_the_guide_of_observability_runs(ses: Ses, tmp_path: Path):
    names = run(DOCS / "guides" / "observability.md", tmp_path)
    mail = names["Message"](subject="Hello", text="Hello", to="ada@example.com")
    hooks = [names[hook]() for hook in ("NoNewsletterOnSunday", "OpenTelemetryHook")]
    assert names["Mailer"].from_stack("prod", hooks=hooks).send(mail).ok
    with pytest.raises(ValueError, match="Duplicated timeseries"):  # the guide has registered the metrics
        names["PrometheusHook"]()


@pytest.mark.parametrize("page", ["stores.md", "suppressions.md"])
def test_guides_of_sql_stores_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str):
    monkeypatch.chdir(tmp_path)
    run(DOCS / "guides" / page, tmp_path)
    assert (tmp_path / "mail.db").exists()


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


def test_the_guide_of_templates_runs(ses: Ses, tmp_path: Path):
    run(DOCS / "guides" / "templates.md", tmp_path)
    assert [mail.subject for mail in ses.sent] == ["Order 7 is on its way"]
    assert main(["templates", "compile", str(tmp_path / "shop")]) == 0
    assert "Follow the parcel" in (tmp_path / "shop" / "order_shipped.html").read_text(encoding="utf-8")


def test_the_tutorial_suppresses_a_bounce(ses: Ses, tmp_path: Path):
    names = run(DOCS / "tutorial" / "first-mail.md", tmp_path, ses)
    assert [mail.to for mail in ses.sent] == [
        ("success@simulator.amazonses.com",),
        ("bounce@simulator.amazonses.com",),
    ]
    assert [recipient.status for recipient in names["result"]] == [Status.SUPPRESSED]
    assert ses.suppressions.get_many(["bounce@simulator.amazonses.com"]) == {}


def test_the_django_settings_of_the_tutorial_send(ses: Ses, tmp_path: Path):
    if not settings.configured:
        settings.configure()
    run(DOCS / "tutorial" / "django.md", tmp_path)
    given: dict[str, Any] = {}
    exec((tmp_path / "shop_settings.py").read_text(), given)  # noqa: S102 - our own tutorial
    sets = {name: value for name, value in given.items() if name.isupper()}
    # What the tutorial takes for granted is another domain and stack here.
    sets |= {"AWS_SES_REGION_ENDPOINT_URL": ses.cloud.endpoint, "AWS_SES_CONFIGURATION_SET": "mailstack-test-marketing"}
    with override_settings(**sets, DEFAULT_CHARSET="utf-8"):
        assert send_mail("Hello", "Hello Ada", "no-reply@example.test", ["ada@example.com"]) == 1
    (mail,) = ses.sent
    assert (mail.subject, mail.configuration_set) == ("Hello", "mailstack-test-marketing")


def test_the_django_module_of_the_tutorial_sends(ses: Ses, tmp_path: Path):
    run(DOCS / "tutorial" / "django.md", tmp_path)
    from shop_mail import send_welcome  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    assert cast("Any", send_welcome)("Ada", "ada@example.com").ok
    assert [mail.to for mail in ses.sent] == [("ada@example.com",)]


def post(app: Any, path: str, **query: str) -> int:
    """The status of an ASGI application's answer."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "root_path": "", "headers": []}
    scope |= {"query_string": urlencode(query).encode(), "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1)}
    asyncio.run(app(scope, receive, send))
    (status,) = statuses
    return status


def test_the_fastapi_application_of_the_tutorial_sends(ses: Ses, tmp_path: Path):
    (page,) = (DOCS / "tutorial").glob("fastapi.md")
    code = _BLOCK.search(page.read_text(encoding="utf-8"))
    assert code
    (tmp_path / "shop_api.py").write_text(code["code"], encoding="utf-8")
    from shop_api import app, mailer  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    assert post(app, "/welcome", name="Ada", email="ada@example.com") == 200
    assert post(app, "/welcome-later", name="Ada", email="bob@example.com") == 202
    ses.behave("*@gone.test", "bounce")
    assert post(app, "/welcome", name="Ada", email="ada@gone.test") == 200
    ses.process_feedback()
    assert post(app, "/welcome", name="Ada", email="ada@gone.test") == 422
    with ses.fault("error", code="MessageRejected"):
        assert post(app, "/welcome", name="Ada", email="ada@example.com") == 503
    assert [mail.to for mail in ses.sent] == [("ada@example.com",), ("bob@example.com",), ("ada@gone.test",)]
    mailer().close()


def test_the_guides_of_smtp_and_microsoft_365_run(ses: Ses, tmp_path: Path):
    names = run(DOCS / "guides" / "smtp.md", tmp_path)
    assert (names["mailer"].outputs.sender, names["roads"].name) == ("Shop <shop@example.com>", "split(smtp, smtp)")
    names = run(DOCS / "guides" / "microsoft365.md", tmp_path)
    assert (names["transport"].name, names["graph"].name) == ("microsoft365", "graph")
