"""`mailer preview` and `mailer render`: templates with sample values, for this machine alone."""

import json
import os
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal
from wsgiref.util import setup_testing_defaults

import pytest

from mailer.catalog import TEMPLATES
from mailer.cli import main
from mailer.errors import ConfigurationError, TemplateError
from mailer.preview.app import Gallery
from mailer.preview.collection import Collection
from mailer.preview.outgoing import Outgoing
from mailer.preview.samples import sample
from mailer.preview.server import serve
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.fields import Fields
from mailer.templates.secret import SecretText
from mailer.templates.url import Url
from mailer.testing import Outbox

HOST = "127.0.0.1:8025"
BRAND = Brand(name="Example")
MODULE = """from mailer import EmailTemplate
class Parcel(EmailTemplate):
    \"\"\"A parcel is on its way.\"\"\"
    subject = "Parcel {{ number }}"
    number: int
"""


class Part(Fields):
    name: str
    price: Decimal


class Everything(EmailTemplate):
    subject: ClassVar[str] = "x"
    title: str
    count: int
    ratio: float
    when: date
    urls: list[Url]
    home_url: Url
    code: SecretText
    parts: tuple[Part, ...]
    kind: Literal["one", "two"]
    maybe: str | None
    flag: bool = False


class Picky(EmailTemplate):
    subject: ClassVar[str] = "x"
    key: Literal["a"]
    odd: dict[str, int]
    size: Url


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of templates, as a user has it."""
    name = f"shop_of_{os.urandom(4).hex()}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / "parcel.txt").write_text("Parcel {{ number }}")
    (tmp_path / "parcel.html").write_text("<p>Parcel <b>{{ number }}</b></p>")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def get(app: Gallery, path: str, query: str = "", **more: str) -> tuple[str, dict[str, str], bytes]:
    environ: dict[str, Any] = {"PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": HOST, **more}
    setup_testing_defaults(environ)
    answer: list[Any] = []
    body = app(environ, lambda status, headers, *_: answer.extend((status, dict(headers))))  # pyright: ignore[reportArgumentType]
    return answer[0], answer[1], b"".join(body)


def gallery(*names: str, catalog: bool = True) -> Gallery:
    return Gallery(Collection(names, BRAND, catalog=catalog), [HOST])


def touch(path: Path, text: str) -> None:
    """Write a file so that its time differs, whatever the file system's clock."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_every_template_of_the_catalog_is_shown():
    app = gallery()
    found = json.loads(get(app, "/templates")[2])
    assert [one["name"] for one in found["templates"]] == [kind.template_name() for kind in TEMPLATES]
    assert found["languages"] == ["en", "es", "ne"]
    for kind in TEMPLATES:
        parts = json.loads(get(app, f"/parts/{kind.template_name()}")[2])
        assert parts["problem"] == ""
        assert parts["sizes"]["html"] > 1000
        assert not parts["clipped"]


def test_parts_are_in_the_chosen_language_with_headers():
    parts = json.loads(get(gallery(), "/parts/magic_link", "locale=es")[2])
    assert parts["subject"] == "Tu enlace para entrar en Example"
    assert "https://app.example.com/sign-in/4cBq" in parts["text"]
    assert ["Subject", "Tu enlace para entrar en Example"] in parts["headers"]
    assert ["Auto-Submitted", "auto-generated"] in parts["headers"]
    assert parts["secret"]


def test_dark_mode_is_chosen_by_the_page():
    app = gallery()
    light, dark = (get(app, "/mail/welcome", query)[2].decode() for query in ("", "scheme=dark"))
    assert "@media not all" in light
    assert "@media all" in dark
    assert "prefers-color-scheme: dark" not in light + dark


def test_mail_runs_no_script_and_images_can_be_off():
    app = gallery()
    policy = get(app, "/mail/welcome")[1]["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-same-origin allow-popups; default-src 'none'")
    assert "img-src https: http: data:" in policy
    assert "img-src 'none'" in get(app, "/mail/welcome", "images=off")[1]["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:8026", ""])
def test_other_hosts_are_refused(host: str):
    assert get(gallery(), "/templates", HTTP_HOST=host)[0] == "403 Forbidden"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", "200 OK"),
        ("/page.js", "GET", "200 OK"),
        ("/page.css", "GET", "200 OK"),
        ("/absent", "GET", "404 Not Found"),
        ("/../collection.py", "GET", "404 Not Found"),
        ("/", "POST", "405 Method Not Allowed"),
        ("/mail/absent", "GET", "422 Unprocessable Content"),
    ],
)
def test_addresses_are_answered(path: str, method: str, status: str):
    assert get(gallery(), path, REQUEST_METHOD=method)[0] == status


def test_templates_of_a_module_come_first(shop: str):
    found = json.loads(get(gallery(shop), "/templates")[2])["templates"]
    assert found[0] == {"name": "parcel", "area": shop, "about": "A parcel is on its way."}
    assert len(found) == len(TEMPLATES) + 1
    only = json.loads(get(gallery(f"{shop}:Parcel", catalog=False), "/templates")[2])["templates"]
    assert [one["name"] for one in only] == ["parcel"]


def test_changed_file_is_shown_at_once(shop: str, tmp_path: Path):
    app = gallery(shop, catalog=False)
    version = get(app, "/version")[2]
    assert get(app, "/version")[2] == version
    touch(tmp_path / "parcel.html", "<p>Changed</p>")
    assert get(app, "/version")[2] != version
    assert get(app, "/mail/parcel")[2] == b"<p>Changed</p>"


def test_changed_class_is_read_again(shop: str, tmp_path: Path):
    app = gallery(shop, catalog=False)
    get(app, "/version")
    touch(tmp_path / f"{shop}.py", MODULE.replace("Parcel {{", "Your parcel {{"))
    get(app, "/version")
    assert json.loads(get(app, "/parts/parcel")[2])["subject"] == "Your parcel 3"


def test_changed_mjml_is_compiled(shop: str, tmp_path: Path):
    app = gallery(shop, catalog=False)
    mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"
    touch(tmp_path / "parcel.mjml", mjml.format("New {{ number }}"))
    get(app, "/version")
    assert b"New 3" in get(app, "/mail/parcel")[2]
    touch(tmp_path / "parcel.mjml", mjml.format("<mj-txet>"))
    get(app, "/version")
    assert "mj-txet" in json.loads(get(app, "/parts/parcel")[2])["problem"]
    touch(tmp_path / "parcel.mjml", mjml.format("Right"))
    get(app, "/version")
    assert json.loads(get(app, "/parts/parcel")[2])["problem"] == ""


def test_broken_class_is_a_problem_and_no_end(shop: str, tmp_path: Path):
    app = gallery(shop, catalog=False)
    touch(tmp_path / f"{shop}.py", "class :")
    get(app, "/version")
    assert "SyntaxError" in json.loads(get(app, "/parts/parcel")[2])["problem"]


def test_error_of_a_template_is_shown_with_its_way_out(shop: str, tmp_path: Path):
    (tmp_path / "parcel.html").write_text("{{ nubmer }}")
    app = gallery(shop, catalog=False)
    assert "'nubmer' is undefined" in json.loads(get(app, "/parts/parcel")[2])["problem"]
    assert get(app, "/mail/parcel")[0] == "422 Unprocessable Content"


@pytest.mark.parametrize(("name", "said"), [("no.such.module", "cannot be imported"), ("json", "names no template")])
def test_name_without_templates_is_an_error(name: str, said: str):
    with pytest.raises(TemplateError, match=said):
        Collection([name], BRAND)


def test_sample_is_made_up_from_types():
    made = sample(Everything, {"title": "Mine"})
    assert made.model_dump(include={"title", "count", "kind", "flag"}) == {
        "title": "Mine",
        "count": 3,
        "kind": "one",
        "flag": False,
    }
    assert sample(Everything).model_dump()["home_url"] == "https://example.com/home_url"


def test_class_whose_sample_cannot_be_made_up_says_so():
    with pytest.raises(TemplateError, match=r"Picky has no sample.*sample = \{\"key\""):
        sample(Picky)


def test_taken_port_is_an_error():
    collection = Collection([], BRAND)
    with serve(collection, 0) as server, pytest.raises(ConfigurationError, match=r"--port 8026"):
        serve(collection, server.server_port)
    with pytest.raises(ConfigurationError, match="Port 70000"):
        serve(collection, 70000)


def test_template_is_sent_to_the_one_who_looks():
    outbox = Outbox()
    app = Gallery(Collection([], BRAND), [HOST], Outgoing(outbox.mailer, "ada@example.com"))
    assert json.loads(get(app, "/templates")[2])["recipient"] == "a***@example.com"
    own = {"REQUEST_METHOD": "POST", "HTTP_ORIGIN": f"http://{HOST}"}
    assert json.loads(get(app, "/send/welcome", "locale=es", **own)[2]) == {"said": "sent"}
    assert [(str(one.to[0]), "Hola, Ada:" in one.text) for one in outbox] == [("ada@example.com", True)]
    assert "There is no template" in json.loads(get(app, "/send/absent", **own)[2])["said"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", f"http://{HOST}.evil.example"])
def test_other_pages_cannot_send(origin: str):
    outbox = Outbox()
    app = Gallery(Collection([], BRAND), [HOST], Outgoing(outbox.mailer, "ada@example.com"))
    assert get(app, "/send/welcome", REQUEST_METHOD="POST", HTTP_ORIGIN=origin)[0] == "403 Forbidden"
    assert len(outbox) == 0


def test_without_a_recipient_nothing_is_sent():
    own = {"REQUEST_METHOD": "POST", "HTTP_ORIGIN": f"http://{HOST}"}
    assert get(gallery(), "/send/welcome", **own)[0] == "405 Method Not Allowed"


def test_render_writes_the_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["render", "welcome", "--locale", "es", "--out", str(tmp_path / "build")]) == 0
    assert capsys.readouterr().out.count("welcome.") == 3
    assert "Hola, Ada:" in (tmp_path / "build" / "welcome.txt").read_text()
    assert "Hola, Ada:" in (tmp_path / "build" / "welcome.html").read_text()
    facts = json.loads((tmp_path / "build" / "welcome.json").read_text())
    assert facts == {"template": "welcome", "subject": "Te damos la bienvenida a Example", "secret": False}


def test_render_takes_fields_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = tmp_path / "data.json"
    data.write_text('{"dashboard_url": "https://example.com/mine", "locale": ["fr", "ne"]}')
    assert main(["render", "welcome", "--data", str(data), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["subject"] == "Example मा तपाईंलाई स्वागत छ"
    assert "https://example.com/mine" in made["html"]
    assert main(["render", "welcome", "--data", str(tmp_path / "absent.json")]) == 2
    assert main(["render", "welcome", "--out", str(data)]) == 2


def test_send_takes_a_locale(capsys: pytest.CaptureFixture[str]):
    arguments = ["send", "verification_code", "--set", "code=424242", "--to", "ada@example.com", "--dry-run"]
    assert main([*arguments, "--locale", "fr", "--locale", "es", "--second-locale", "en"]) == 0
    assert "424242 es tu código de" in capsys.readouterr().out
    assert main([*arguments, "--set", "locale=ne"]) == 0
    assert "424242 तपाईंको" in capsys.readouterr().out
