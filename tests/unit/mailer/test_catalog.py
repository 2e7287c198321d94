"""The templates that ship: compiled, complete, accessible, and not to be abused."""

from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import mailer.catalog
from mailer.catalog import TEMPLATES, PasswordReset, VerificationCode, Welcome
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.engine import render
from mailer.templates.mjml import compile_folder
from mailer.templates.secret import revealed
from tests.unit.mailer.remote import loaded

BRAND: Any = Brand.model_validate(
    {
        "name": "Example",
        "website": "https://example.com",
        "logo": "https://example.com/logo.png",
        "support": "help@example.com",
        "postal_address": "1 Example Street",
    }
)
URL = "https://app.example.com/start?user=1&next=2"
MAILS: list[EmailTemplate] = [
    Welcome.model_validate({"name": "Ada", "dashboard_url": URL}),
    VerificationCode(code="424242"),
    PasswordReset.model_validate({"name": "Ada", "reset_url": URL}),
]
every_mail = pytest.mark.parametrize("mail", MAILS, ids=lambda mail: type(mail).__name__)


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_compiled_html_is_up_to_date():
    assert compile_folder(Path(mailer.catalog.__file__).parent, check=True) == []


def test_every_template_of_the_catalog_is_tested_here():
    assert {type(mail) for mail in MAILS} == set(TEMPLATES)


@every_mail
def test_html_and_text_say_the_same_and_leave_nothing_unfilled(mail: EmailTemplate):
    made = render(mail, BRAND)
    for value in (revealed(getattr(mail, name)) for name in type(mail).model_fields):
        assert str(value) in made.text
        assert str(value).replace("&", "&amp;") in made.html
    for part in ("Example", "1 Example Street", "help@example.com"):
        assert part in made.text
        assert part in made.html
    assert not any(mark in made.text + made.html + made.subject for mark in ("{{", "{%", "jinja"))
    assert max(map(len, made.text.splitlines())) <= 100


@every_mail
def test_a_screen_reader_and_a_dark_screen_are_thought_of(mail: EmailTemplate):
    page = Page(render(mail, BRAND).html)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert page.all("title")
    assert all(table.get("role") == "presentation" for table in page.all("table"))
    assert all(image.get("alt") for image in page.all("img"))
    assert {"name": "color-scheme", "content": "light dark"} in page.all("meta")


@every_mail
def test_the_preheader_stands_hidden_at_the_top(mail: EmailTemplate):
    html = render(mail, BRAND).html
    assert html.index("display:none") < html.index("<h1")


@every_mail
def test_it_is_far_smaller_than_what_gmail_cuts_off(mail: EmailTemplate):
    assert len(render(mail, BRAND).html.encode()) < 30_000  # Gmail clips at 102 kB


@every_mail
def test_without_a_brand_nothing_breaks_and_nothing_dangles(mail: EmailTemplate):
    made = render(mail, Brand(name="example.test"))
    assert "mailto:" not in made.html
    assert "<img" not in made.html
    assert made.text.rstrip().endswith("example.test")


NAMELESS = [
    *("", " ", None, "x" * 65, "x" * 1_000_000, "...", "Ada\nBcc: eve@example.org", "<script>", "\ud800"),
    *("http://evil.example/", "HTTPS://EVIL", "//evil.example", "www.evil.example", "WWW.Evil", "eve@evil.example"),
    *("evil.example/login", "evil.example?login", "evil.example#x", "Click evil.example/x", "evil\u3002example/x"),
    *("mailto:eve", "tel:0900123456", "Call 0900 123456", "192.0.2.1", "evil.example:8080", "a.b/c"),
]


@pytest.mark.parametrize("name", NAMELESS, ids=lambda name: str(name)[:20].encode("ascii", "replace").decode())
def test_a_name_that_cannot_be_shown_is_left_out(name: Any):
    for kind, more in ((Welcome, {"dashboard_url": URL}), (PasswordReset, {"reset_url": URL})):
        made = render(kind.model_validate({"name": name, **more}), BRAND)
        nameless = render(kind.model_validate(more), BRAND)
        assert (made.subject, made.text, made.html) == (nameless.subject, nameless.text, nameless.html)
    assert "Hello,\n" in nameless.text
    assert ">Hello, somebody asked" in nameless.html


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *((name, name) for name in ("J.R.R. Tolkien", "Ada St.John", "Ste.Anne", "O'Brien", "Martin Luther King Jr.")),
        *((name, name) for name in ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc", "李小龙", "María-José", "she/her")),
        *(("evil.example", "evil. example"), ("Evil.Com", "Evil. Com"), ("t.co", "t. co")),
        *(("bit.ly now", "bit. ly now"), ("a.evil.example", "a. evil. example"), ("St.Evil.Com", "St. Evil. Com")),
        *(
            ("evil\u3002example", "evil\u3002 example"),
            ("evil.\u200bexample", "evil. example"),
            ("Ada\u202egnp", "Adagnp"),
        ),
        *(("  Ada   Lovelace ", "Ada Lovelace"), ("J.R.R.Tolkien", "J.R.R. Tolkien"), ("Dr.Smith", "Dr. Smith")),
    ],
)
def test_a_name_is_shown_in_a_form_that_makes_no_link(name: str, shown: str):
    made = render(Welcome.model_validate({"name": name, "dashboard_url": URL}), BRAND)
    assert made.text.startswith(f"Welcome, {shown}\n")
    assert f"Welcome, {shown.replace(chr(39), '&#39;')}</h1>" in made.html


@every_mail
def test_nothing_is_loaded_that_the_brand_does_not_name(mail: EmailTemplate):
    assert loaded(render(mail, BRAND).html) == {"https://example.com/logo.png"}
    assert loaded(render(mail, Brand(name="Example")).html) == set()


@every_mail
def test_the_preview_ends_where_the_preheader_does(mail: EmailTemplate):
    html = render(mail, BRAND).html
    hidden = unescape(html.partition('opacity:0;overflow:hidden;">')[2].partition("</div>")[0])
    shown = hidden.strip("\u034f\u200c\xa0")
    assert shown
    assert len(hidden) - len(shown) >= 300


@every_mail
def test_no_code_and_no_reset_link_is_shown_by_print(mail: EmailTemplate):
    made = render(mail, BRAND)
    for shown in (repr(mail), str(mail), repr(made), str(made), f"{made.text} {made.subject!r}"):
        assert "424242" not in shown
        assert isinstance(mail, Welcome) or URL not in shown


def test_code_comes_first_in_subject_and_minutes_are_plural():
    made = render(VerificationCode(code="424242", expires_in_minutes=1), BRAND)
    assert made.subject == "424242 is your Example code"
    assert "valid for 1 minute." in made.text
    assert "valid for 1 minute." in made.html
