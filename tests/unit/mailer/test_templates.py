"""Templates: typed, escaped, strict; MJML with every Jinja2 expression intact."""

import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from pydantic import BaseModel, HttpUrl

from mailer.errors import TemplateError, TemplateFieldsInvalid
from mailer.install import install_command
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.colour import contrast
from mailer.templates.engine import Rendered, render
from mailer.templates.mjml import compile_folder, compile_mjml
from mailer.templates.secret import SecretText, SecretUrl
from tests.unit.mailer.remote import loaded

BRAND = Brand(name="Example & Co")
PAGE = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"


def template(folder: Path, fields: dict[str, Any], **files: str) -> Rendered:
    """Render a template made of these files, with these fields."""
    for suffix, text in files.items():
        (folder / f"note.{suffix}").write_text(text)
    annotations = {name: type(value) for name, value in fields.items()}
    members: dict[str, Any] = {"__module__": __name__, "__annotations__": annotations}
    kind: Any = type("Note", (EmailTemplate,), {**members, "subject": "Note for {{ name }}", "folder": folder})
    return render(kind(**fields), BRAND)


def test_html_is_escaped_and_text_and_subject_are_not(tmp_path: Path):
    note = template(tmp_path, {"name": "<b>&'"}, txt="Dear {{ name }}", html="<p>{{ name }}, {{ brand.name }}</p>")
    assert note.subject == "Note for <b>&'"
    assert note.text == "Dear <b>&'\n"
    assert note.html == "<p>&lt;b&gt;&amp;&#39;, Example &amp; Co</p>"


def test_a_value_is_never_a_template(tmp_path: Path):
    note = template(tmp_path, {"name": "{{ 7 * 7 }}"}, txt="{{ name }}", html="{{ name }}")
    assert (note.subject, note.text, note.html) == ("Note for {{ 7 * 7 }}", "{{ 7 * 7 }}\n", "{{ 7 * 7 }}")


def test_line_breaks_in_a_subject_become_spaces(tmp_path: Path):
    note = template(tmp_path, {"name": "Ada\r\nBcc: eve@example.org"}, txt="x")
    assert note.subject == "Note for Ada Bcc: eve@example.org"


@pytest.mark.parametrize("text", ["{{ nmae }}", "{{ brand.nmae }}", "{% if %}", "{% include 'absent.txt' %}"])
def test_unknown_variable_error_lists_the_known_ones(tmp_path: Path, text: str):
    with pytest.raises(TemplateError, match=r"Note cannot be rendered.*its fields \(name\)"):
        template(tmp_path, {"name": "Ada"}, txt=text)


@pytest.mark.parametrize("text", ["{{ name.__class__.__mro__ }}", "{{ brand.__init__.__globals__ }}"])
def test_the_sandbox_gives_values_and_no_python(tmp_path: Path, text: str):
    with pytest.raises(TemplateError, match="unsafe"):
        template(tmp_path, {"name": "Ada"}, txt=text)


def test_mail_may_have_only_text_or_only_html(tmp_path: Path):
    assert template(tmp_path, {"name": "Ada"}, txt="Hello").html == ""
    (tmp_path / "note.txt").unlink()
    note = template(tmp_path, {"name": "A & B"}, html="<p>Hello {{ name }}</p>")
    assert (note.text, note.html) == ("Hello A & B\n", "<p>Hello A &amp; B</p>")
    (tmp_path / "note.html").unlink()
    with pytest.raises(TemplateError, match=r"has neither note\.txt nor note\.mjml"):
        template(tmp_path, {"name": "Ada"})


def test_mjml_that_was_not_compiled_is_compiled_on_first_use(tmp_path: Path):
    mjml = PAGE.format("<mj-text>Dear {{ name }}</mj-text>")
    assert "Dear Ada</div>" in template(tmp_path, {"name": "Ada"}, txt="x", mjml=mjml).html


def test_without_mrml_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mrml", None)
    with pytest.raises(TemplateError, match=rf"{re.escape(install_command('mjml'))}.*mailer templates compile"):
        template(tmp_path, {"name": "Ada"}, txt="x", mjml=PAGE.format("<mj-text>Dear {{ name }}</mj-text>"))


@pytest.mark.parametrize(
    "expression",
    [
        "<mj-text>{% if a < b and b > 3 %}{{ a }}{% endif %}</mj-text>",
        '<mj-text>{{ "quoted" ~ \'both\' ~ "& <" }}</mj-text>',
        "<mj-text>{% for one in many %}<p>{{ one.name|upper }}</p>{% endfor %}</mj-text>",
        '<mj-button href="{{ links["home"] }}?a=1">Go to {{ place }}</mj-button>',
        '<mj-image src="{{ image }}" alt="{{ "a" if b else "c" }}" />',
        "<mj-raw>{% if a %}</mj-raw><mj-text>yes</mj-text><mj-raw>{% endif %}</mj-raw>",
        "<mj-text>{# a remark with < and & #}Hello</mj-text>",
        "<mj-text>{{ a\n | default('x') }}</mj-text>",
        '<mj-table><tr><td style="color:{{ colour }}">{{ cell }}</td></tr></mj-table>',
    ],
)
def test_every_expression_comes_through_mjml_as_it_was(tmp_path: Path, expression: str):
    source = tmp_path / "page.mjml"
    source.write_text(PAGE.format(expression))
    html = compile_mjml(source)
    for part in expression.replace("{{", "\0{{").replace("{%", "\0{%").replace("{#", "\0{#").split("\0")[1:]:
        end = next(mark for mark in ("}}", "%}", "#}") if mark in part)
        assert part[: part.index(end) + 2] in html
    assert "jinja" not in html


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (PAGE.format("<mj-text name='{{ lost }}'>Hello</mj-text>"), r"page\.mjml:1: <mj-text> has no attribute name"),
        (PAGE.format("<mj-txet>Hello</mj-txet>"), "page.mjml:1: <mj-txet> is not MJML; did you mean mj-text"),
        ("<mjml><mj-body>", "page.mjml:1: <mj-body> is never closed"),
        (PAGE.format('<mj-include path="absent.mjml" />'), r"includes absent\.mjml, which is not there"),
        (PAGE.format('<mj-include path="page.mjml" />'), "includes itself"),
    ],
)
def test_unknown_mjml_is_an_error(tmp_path: Path, page: str, problem: str):
    source = tmp_path / "page.mjml"
    source.write_text(page)
    with pytest.raises(TemplateError, match=problem):
        compile_mjml(source)


def test_a_folder_is_compiled_once_and_fragments_are_left_alone(tmp_path: Path):
    (tmp_path / "page.mjml").write_text(PAGE.format('<mj-include path="part.mjml" />'))
    (tmp_path / "part.mjml").write_text("<mj-text>part of {{ it }}</mj-text>")
    assert compile_folder(tmp_path, check=True) == [tmp_path / "page.html"]
    assert not (tmp_path / "page.html").exists()
    assert compile_folder(tmp_path) == [tmp_path / "page.html"]
    assert "part of {{ it }}" in (tmp_path / "page.html").read_text()
    assert compile_folder(tmp_path) == []
    (tmp_path / "part.mjml").write_text("<mj-text>another</mj-text>")
    assert compile_folder(tmp_path, check=True) == [tmp_path / "page.html"]


class Parcel(EmailTemplate):
    subject: ClassVar[str] = "Your parcel"
    tracking_url: HttpUrl


@pytest.mark.parametrize(
    "fields", [{}, {"tracking_ulr": "https://example.com"}, {"tracking_url": "javascript:alert(1)"}]
)
def test_invalid_fields_are_refused_before_sending(fields: dict[str, Any]):
    for make in (lambda: Parcel(**fields), lambda: Parcel.model_validate(fields)):
        with pytest.raises(TemplateFieldsInvalid, match=r"Parcel cannot be filled in: .*tracking_u.*Its fields are"):
            make()


class Login(EmailTemplate):
    subject: ClassVar[str] = "{{ code }}"
    code: SecretText
    link: SecretUrl = "https://example.com/"
    backup: tuple[SecretText, ...] = ()
    minutes: int = 5


SECRET = "hush-424242"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Login(code=SECRET, minutes=cast("Any", SECRET)),
        lambda: Login(code=SECRET, link=SECRET),
        lambda: Login.model_validate({"code": [SECRET]}),
        lambda: Login.model_validate_json(f'{{"code": "{SECRET}", "minutes": "{SECRET}"}}'),
        lambda: Login.model_validate_json(f'{{"code": "{SECRET}'),
        lambda: Login.model_validate(SECRET),
        lambda: Brand(accent=SECRET),
    ],
)
def test_wrong_fields_are_an_error_of_ours_that_shows_no_input(make: Callable[[], BaseModel]):
    with pytest.raises(TemplateFieldsInvalid) as refusal:
        make()
    error = refusal.value
    shown = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
    assert SECRET not in "".join(shown.format()).replace(repr(make), "")
    assert (error.__context__, error.__cause__, bool(error.hint)) == (None, None, True)


@pytest.mark.parametrize(
    "text",
    [
        *("{{ nmae }}", "{{ {}[code] }}", "{{ code|nofilter }}", "{{ code + 1 }}", "{{ code|int + none }}"),
        *("{{ 1 // 0 }}", "{{ int(code) }}", "{% for x in 7 %}{% endfor %}", "{{ code.nothing() }}", "{{ code() }}"),
        *("{% include 'note.txt' %}", "{{ '%d' % code }}", "{{ backup[9].x }}", "{% if %}"),
    ],
)
def test_template_error_shows_no_secret(tmp_path: Path, text: str):
    (tmp_path / "note.txt").write_text(text)
    kind: Any = type("Note", (Login,), {"__module__": __name__, "folder": tmp_path})
    with pytest.raises(TemplateError, match="Note cannot be rendered") as refusal:
        render(kind(code=SECRET, backup=(SECRET,)), BRAND)
    error = refusal.value
    shown = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
    assert SECRET not in "".join(shown.format())
    assert error.__context__ is None
    assert error.hint


def test_secret_is_in_the_mail_only(tmp_path: Path):
    (tmp_path / "note.txt").write_text("{{ code }} {{ code|upper }} {{ 'x' ~ code }} {{ backup|join }} {{ backup[0] }}")
    kind: Any = type("Note", (Login,), {"__module__": __name__, "folder": tmp_path})
    note = kind(code="abc", backup=("def",))
    made = render(note, BRAND)
    assert (made.subject, made.text) == ("abc", "abc ABC xabc def def\n")
    assert (note.code, note.model_dump()["code"]) == ("abc", "abc")
    assert not any(word in f"{note} {note!r} {made} {made!r}" for word in ("abc", "def"))


@pytest.mark.parametrize("length", [10, 2_084, 20_000])
def test_a_link_may_be_long(length: int):
    url = f"https://example.com/{'a' * length}"
    assert Login(code="x", link=url).link == url


def test_template_with_layout_loads_no_remote_resource(tmp_path: Path):
    layout = '<mj-include path="mailstack/head.mjml" />'
    body = "<mj-text font-family='Open Sans, Lato, Roboto'>x</mj-text><mj-image src='https://example.com/a.png' />"
    source = tmp_path / "page.mjml"
    source.write_text(PAGE.format(body).replace("<mj-body>", f"{layout}<mj-body>"))
    assert loaded(compile_mjml(source)) == {"https://example.com/a.png"}
    font = "<mj-font name='Lato' href='https://example.com/lato.css' />"
    source.write_text(PAGE.format(body).replace("<mj-body>", f"<mj-head>{font}</mj-head><mj-body>"))
    assert loaded(compile_mjml(source)) >= {"https://example.com/a.png"}


@pytest.mark.parametrize(
    "body",
    [
        "<mj-social><mj-social-element name='facebook' href='https://example.com'>F</mj-social-element></mj-social>",
        "<mj-carousel><mj-carousel-image src='https://example.com/a.png' /></mj-carousel>",
        "<mj-accordion><mj-accordion-element><mj-accordion-title>a</mj-accordion-title></mj-accordion-element></mj-accordion>",
    ],
)
def test_an_image_that_only_mjml_names_is_an_error(tmp_path: Path, body: str):
    source = tmp_path / "page.mjml"
    source.write_text(PAGE.format(body))
    with pytest.raises(TemplateError, match=r"would load https://.*Give the element's image"):
        compile_mjml(source)


def test_a_field_cannot_take_a_name_that_templates_rely_on():
    with pytest.raises(TemplateError, match="a field named brand"):
        type("Clash", (EmailTemplate,), {"__module__": __name__, "__annotations__": {"brand": str}})


def test_template_folder_defaults_to_that_of_the_class():
    assert Parcel.template_folder() == Path(__file__).parent
    assert Parcel.template_name() == "parcel"


@pytest.mark.parametrize("accent", ["#1d4ed8", "#ffd400", "#000000", "#ffffff", "#d97706"])
def test_text_on_the_accent_can_be_read(accent: str):
    assert contrast(Brand(accent=accent).on_accent, accent) >= 4.5


def test_the_default_colours_can_be_read():
    for colour in (BRAND.text, BRAND.muted):
        assert min(contrast(colour, BRAND.card), contrast(colour, BRAND.background)) >= 4.5
