"""Values whose text runs in another direction than the mail: isolated from the words around them."""

from pathlib import Path
from typing import ClassVar

import pytest
from jinja2 import Environment

from mailer.locales.language import Language
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.engine import REPEATED, render
from mailer.templates.isolation import direction_of, isolate, with_isolation

BRAND = Brand(name="Example Inc.")
HEBREW, ENGLISH = Language("he"), Language("en")
SPAN = '<span dir="ltr">{}</span>'
SHALOM = "\u05e9\u05dc\u05d5\u05dd"
HELLO = "{% trans %}Hello {{ name }} of {{ brand }}{% endtrans %}"


class Note(EmailTemplate):
    subject: ClassVar[str] = HELLO
    folder: ClassVar[Path | None] = None
    name: str
    count: int = 2


def note(tmp_path: Path, html: str, text: str = "text") -> type[EmailTemplate]:
    (tmp_path / "note.html").write_text(html, encoding="utf-8")
    (tmp_path / "note.txt").write_text(text, encoding="utf-8")
    (tmp_path / "locales").mkdir(exist_ok=True)
    (tmp_path / "locales" / "he.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        f'msgid "Hello %(name)s of %(brand)s"\nmsgstr "{SHALOM} %(name)s {SHALOM} %(brand)s"\n\n'
        f'msgid "One of %(name)s"\nmsgid_plural "%(count)s of %(name)s"\n'
        f'msgstr[0] "{SHALOM} %(name)s"\nmsgstr[1] "{SHALOM} %(count)s %(name)s"\n',
        encoding="utf-8",
    )

    class Here(Note):
        folder: ClassVar[Path | None] = tmp_path
        stem: ClassVar[str] = "note"

    return Here


def rendered(tmp_path: Path, html: str, text: str = "text", name: str = "Ada (she)"):
    return render(note(tmp_path, html, text).model_validate({"name": name}).localized("he"), BRAND)


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        *(
            (one, "ltr")
            for one in ("Ada", "12-AB", "https://example.com/", "+1 (555) 0100", "2026-03-09", f"a {SHALOM}")
        ),
        *((one, "rtl") for one in (SHALOM, "\u0645\u0631\u062d\u0628\u0627", f"7 {SHALOM}", "\u200f12.50 \u20ac")),
        *((one, None) for one in ("", "42", "1,200.50", "\u2192", "-- ", "\u0661\u066b\u0662")),
    ],
)
def test_direction_is_that_of_the_first_letter(text: str, direction: str | None):
    assert direction_of(text) == direction


def test_value_of_another_direction_is_isolated_in_html():
    isolated = isolate(HEBREW, html=True)
    assert isolated("12-AB") == SPAN.format("12-AB")
    assert isolated("<b> & co.") == SPAN.format("&lt;b&gt; &amp; co.")
    assert [isolated(one) for one in (SHALOM, "42", 42)] == [SHALOM, "42", 42]
    assert isolate(ENGLISH, html=True)(SHALOM) == f'<span dir="rtl">{SHALOM}</span>'
    assert isolate(ENGLISH, html=True)("Ada") == "Ada"


def test_one_word_has_no_marks_in_text():
    isolated = isolate(HEBREW, html=False)
    assert isolated("Example Inc.") == "\u2066Example Inc.\u2069"
    assert isolate(ENGLISH, html=False)(f"{SHALOM} 7") == f"\u2067{SHALOM} 7\u2069"
    for copied in ("12-AB", "https://example.com/a?b=c/", "ada@example.com", "two lines\nof text"):
        assert isolated(copied) == copied


@pytest.mark.parametrize(
    "html",
    [
        '<a href="{{ name }}">',
        "<a title='{{ name }}'>",
        '<a title="a > {{ name }}">',
        "<td{{ name }}>",
        "<style>a { color: {{ name }} }</style>",
        "<STYLE>{{ name }}</STYLE>",
        "<title>{{ name }}</title>",
        "<!-- {{ name }} -->",
        "<!--[if mso]><td width={{ name }}><![endif]-->",
        '<img alt="{% trans %}Hello {{ name }}{% endtrans %}">',
        '<img alt="{% trans count=2 %}One {{ name }}{% pluralize %}{{ count }} {{ name }}{% endtrans %}">',
        '{% set title %}{{ name }}{% endset %}<img alt="{{ title }}">',
        '<a {% if name %}href="{{ name }}"{% endif %}>',
    ],
)
def test_value_that_is_no_text_stays_as_written(tmp_path: Path, html: str):
    assert "<span" not in rendered(tmp_path, html).html
    assert "Ada (she)" in rendered(tmp_path, html).html


@pytest.mark.parametrize(
    "html",
    [
        "<p>{{ name }}</p>",
        '<a title="{{ name }}">{{ name }}</a>',
        "<style>a > b {}</style>{{ name }}",
        "<!--[if !mso]><!--><p>{{ name }}</p><!--<![endif]-->",
        "a < b {{ name }}",
        "{% if name %}<p>{{ name }}</p>{% endif %}",
        "{% for one in [name] %}{{ one }}{% endfor %}",
        "{% trans %}Hello {{ name }} of {{ brand }}{% endtrans %}",
        "{% trans count=count %}One of {{ name }}{% pluralize %}{{ count }} of {{ name }}{% endtrans %}",
        "{% macro shown(one) %}{{ one }}{% endmacro %}{{ shown(name) }}",
    ],
)
def test_value_that_is_text_is_isolated(tmp_path: Path, html: str):
    assert SPAN.format("Ada (she)") in rendered(tmp_path, html).html


def test_subject_has_no_marks_and_text_has_them(tmp_path: Path):
    made = rendered(tmp_path, "<title>{{ subject }}</title>{{ brand }}", HELLO)
    assert made.subject == f"{SHALOM} Ada (she) {SHALOM} Example Inc."
    assert made.html == f"<title>{SHALOM} Ada (she) {SHALOM} Example Inc.</title>{SPAN.format('Example Inc.')}"
    assert made.text == f"{SHALOM} \u2066Ada (she)\u2069 {SHALOM} \u2066Example Inc.\u2069\n"


def test_compiled_brand_is_isolated_too(tmp_path: Path):
    mail = (
        note(tmp_path, "{{ brand }} {{ brand.name }} {{ name }}", HELLO).model_validate({"name": "A b"}).localized("he")
    )
    first, *_, last = [render(mail, BRAND) for _ in range(REPEATED + 1)]
    assert first.html == last.html == " ".join(map(SPAN.format, ("Example Inc.", "Example Inc.", "A b")))
    assert (first.text, first.subject) == (last.text, last.subject)


def test_known_values_are_isolated_when_compiled():
    environment = Environment(autoescape=True)
    tree = environment.parse("{{ 'Ada' }}")
    with_isolation(tree, isolate(HEBREW, html=True), html=True)
    assert environment.from_string(tree).render() == SPAN.format("Ada")
