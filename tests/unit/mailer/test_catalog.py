"""The templates that ship: compiled, translated, complete, accessible, and not to be abused."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mailer.catalog
from mailer.catalog import (
    FOLDERS,
    TEMPLATES,
    BounceDigest,
    CommentAdded,
    Invitation,
    PasswordReset,
    PaymentFailed,
    Receipt,
    VerificationCode,
    Welcome,
)
from mailer.errors import TemplateFieldsInvalid
from mailer.locales.catalogues import OWN
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.engine import Rendered, render
from mailer.templates.extract import own_messages, read
from mailer.templates.isolation import direction_of
from mailer.templates.mjml import compile_folder
from mailer.templates.translating import compile_catalogues, problems
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
LANGUAGES = ("en", "es", "ne")
MAX_SUBJECT = 78  # RFC 5322 §2.1.1
# https://html.spec.whatwg.org/multipage/syntax.html#void-elements
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_URL = re.compile(r"https?://[^\s\"<>]+")
every_template = pytest.mark.parametrize("kind", TEMPLATES, ids=lambda kind: kind.template_name())
every_language = pytest.mark.parametrize("language", LANGUAGES)


def sample(kind: type[EmailTemplate], **changes: object) -> EmailTemplate:
    return kind.model_validate({**kind.sample, **changes})


def shown(kind: type[EmailTemplate], language: str = "en") -> Rendered:
    return render(sample(kind).localized(language), BRAND)


class Page(HTMLParser):
    """The tags of a page, and what is not closed in the order in which it was opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags} | {f"{tag} {name}" for tag, named in self.tags for name in named}


def urls_of(value: object) -> Iterator[str]:
    """The URLs in the values of a template."""
    if isinstance(value, str) and value.startswith("https://"):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from urls_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from urls_of(one)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_compiled_html_is_up_to_date(folder: Any):
    assert compile_folder(folder, check=True) == []


def test_translations_are_compiled():
    assert compile_catalogues(OWN, check=True) == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_message_is_translated(language: str):
    wanted = read(None, [*FOLDERS, *own_messages()])
    assert len(wanted) > 50
    assert [str(one) for one in problems(OWN / f"{language}.po", wanted)] == []


def test_public_names_are_the_templates():
    names = {kind.__name__ for kind in TEMPLATES}
    assert names | {"TEMPLATES"} <= set(mailer.catalog.__all__)
    assert all(getattr(mailer.catalog, name) for name in mailer.catalog.__all__)
    assert len({kind.template_name() for kind in TEMPLATES}) == len(TEMPLATES)


@every_language
@every_template
def test_every_part_is_complete_and_nothing_is_unfilled(kind: type[EmailTemplate], language: str):
    made = shown(kind, language)
    for part in ("Example", "1 Example Street", "help@example.com"):
        assert part in made.text
        assert part in made.html
    assert not re.search(r"\{\{|\{%|jinja\d|%\(|None|&amp;amp;", made.text + made.html + made.subject)
    assert len(made.subject) <= MAX_SUBJECT
    assert len(made.text.splitlines()) > 6
    assert "\n\n\n" not in made.text


@every_language
@every_template
def test_links_are_in_html_and_in_text(kind: type[EmailTemplate], language: str):
    made = shown(kind, language)
    targets = {one["href"] for one in Page(made.html).all("a")}
    for url in urls_of(kind.sample):
        assert url in targets
        assert url in made.text
    assert set(_URL.findall(made.text)) <= set(urls_of(kind.sample)) | {"https://example.com"}


@every_language
@every_template
def test_html_is_well_formed_and_its_language_is_named(kind: type[EmailTemplate], language: str):
    page = Page(shown(kind, language).html)
    assert page.wrong == []
    assert page.open == []
    assert page.all("html")[0]["lang"] == language
    assert page.all("html")[0]["dir"] == "ltr"
    assert len(page.all("h1")) == 1
    assert page.all("title")
    assert all(image.get("alt") for image in page.all("img"))
    assert {"name": "color-scheme", "content": "light dark"} in page.all("meta")


@every_template
def test_words_differ_from_language_to_language(kind: type[EmailTemplate]):
    assert len({shown(kind, language).text.reveal() for language in LANGUAGES}) == len(LANGUAGES)


@every_template
def test_every_mail_can_be_in_two_languages(kind: type[EmailTemplate]):
    made = render(sample(kind).localized("ne", second="en"), BRAND)
    nepali, english = shown(kind, "ne"), shown(kind)
    title = english.text.partition("\n")[0]
    assert title in made.text
    assert nepali.text.partition("\n")[0] in made.text
    assert made.text.count("1 Example Street") == 1
    assert '<div lang="en" dir="ltr"' in made.html
    assert Page(made.html).wrong == []
    assert made.html.count("1 Example Street") == 1


@every_template
def test_preheader_is_hidden_at_the_top(kind: type[EmailTemplate]):
    html = shown(kind).html
    assert html.index("display:none") < html.index("<h1")
    hidden = unescape(html.partition('opacity:0;overflow:hidden;">')[2].partition("</div>")[0])
    assert hidden.strip("\u034f\u200c\xa0")
    assert len(hidden) - len(hidden.strip("\u034f\u200c\xa0")) >= 300


@every_template
def test_html_is_far_below_the_size_that_gmail_clips(kind: type[EmailTemplate]):
    for language in LANGUAGES:
        assert len(shown(kind, language).html.encode()) < 40_000  # Gmail clips at 102 kB


@every_template
def test_without_a_brand_nothing_breaks(kind: type[EmailTemplate]):
    made = render(sample(kind), Brand(name="example.test"))
    assert "mailto:" not in made.html
    assert "<img" not in made.html
    assert made.text.rstrip().endswith("example.test")


@every_template
def test_optional_fields_can_be_left_out(kind: type[EmailTemplate]):
    needed = {name: kind.sample[name] for name, field in kind.model_fields.items() if field.is_required()}
    made = render(kind.model_validate(needed), BRAND)
    assert "None" not in made.text
    assert Page(made.html).wrong == []


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
    assert "\nHello,\n" in nameless.text
    assert ">Hello,</div>" in nameless.html


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
    assert f"\nHello {shown},\n" in made.text
    written = shown.replace("'", "&#39;")
    if direction_of(shown) == "rtl":
        written = f'<span dir="rtl">{written}</span>'
    assert f">Hello {written},</div>" in made.html


@every_template
def test_nothing_is_loaded_that_the_brand_does_not_name(kind: type[EmailTemplate]):
    assert loaded(shown(kind).html) == {"https://example.com/logo.png"}
    assert loaded(render(sample(kind), Brand(name="Example")).html) == set()


@every_template
def test_codes_and_secret_links_are_not_printed(kind: type[EmailTemplate]):
    mail = sample(kind)
    made = render(mail, BRAND)
    hidden = {str(kind.sample[name]) for name in kind.model_fields if str(getattr(mail, name)) == "***"}
    for printed in (repr(mail), str(mail), repr(made), str(made), f"{made.text} {made.subject!r}"):
        assert not any(one in printed for one in hidden)
    assert made.has_secret == bool(hidden)


def replaced(value: object, text: str) -> object:
    """The values of a template with this text in the place of each free one."""
    if isinstance(value, dict):
        return {key: replaced(one, text) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [replaced(one, text) for one in value]
    is_free = (
        isinstance(value, str) and not value.startswith("https://") and not re.match(r"\d{4}-|[A-Z]{3}$|[a-z]+$", value)
    )
    return text if is_free else value


HOSTILE = st.builds(
    lambda before, mark, after: before + mark + after,
    st.text(max_size=40),
    st.sampled_from(
        [
            "<x-evil>",
            '"><x-evil a="',
            "' x-evil='",
            "{{ 7*7 }}",
            "{% x-evil %}",
            "%(evil)s",
            "--><x-evil>",
            "\r\nBcc: x",
        ]
    ),
    st.text(max_size=700),
)


@every_template
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE)
def test_text_of_users_stays_text(kind: type[EmailTemplate], text: str):
    try:
        mail = kind.model_validate(replaced(dict(kind.sample), text))
    except TemplateFieldsInvalid:
        return
    made, usual = render(mail, BRAND), shown(kind)
    assert Page(made.html).names <= Page(usual.html).names | {"br", "span", "span dir"}
    assert "49" in text or "49" not in made.subject
    assert not re.search(r"[\r\n\x00]", made.subject)
    assert "\r" not in made.text


def test_code_comes_first_in_subject_and_minutes_are_plural():
    made = render(VerificationCode(code="424242", expires_in_minutes=1), BRAND)
    assert made.subject == "424242 is your Example code"
    assert "valid for 1 minute." in made.text
    assert "valid for 1 minute." in made.html
    spanish = render(VerificationCode(code="424242", expires_in_minutes=120).localized("es"), BRAND)
    assert "durante 2 horas." in spanish.text


def test_code_is_alone_in_its_line_for_autofill():
    made = render(VerificationCode(code="424242"), BRAND)
    assert ">424242</div>" in made.html
    assert made.text.startswith("Your verification code: 424242\n")


@pytest.mark.parametrize(("attempt", "said"), [(1, "did not go through"), (2, "Second attempt"), (3, "Last attempt")])
def test_failed_payments_are_a_series_of_three(attempt: int, said: str):
    made = render(sample(PaymentFailed, attempt=attempt), BRAND)
    assert said in made.subject
    assert ("Next attempt: April 9, 2026" in made.text) == (attempt < 3)
    assert ("Access until: April 23, 2026" in made.text) == (attempt > 1)
    assert ("We will not try again." in made.text) == (attempt == 3)


def test_receipt_lists_lines_and_total_in_the_locale():
    made = render(sample(Receipt).localized("es"), BRAND)
    assert "- Cups \xd7 2: 15,80\xa0€\n" in made.text
    assert "Total: 65,21\xa0€\n" in made.text
    assert "<strong>65,21\xa0€</strong>" in made.html


def test_high_rates_are_pointed_out():
    usual = render(sample(BounceDigest), BRAND)
    high = render(sample(BounceDigest, totals={"sent": 1000, "bounced": 50, "complained": 1}), BRAND)
    assert "within the limits" in usual.text
    assert high.subject == "Bounce rate too high: 5%"
    assert "may pause them" in high.text


def test_invitation_leaves_out_unsafe_names():
    made = render(sample(Invitation, inviter="Win at evil.example/x", group="Team"), BRAND)
    assert made.subject == "You are invited to Example"
    assert "evil" not in made.text + made.html


def test_long_text_of_users_is_shortened_not_refused():
    made = render(sample(CommentAdded, comment="word " * 5000, title="t" * 500), BRAND)
    assert "…" in made.text
    assert len(made.text) < 1500
    assert len(made.subject) <= MAX_SUBJECT
