"""Files of templates: overridden by name from the user's folders, located in errors, and with links that are links."""

from pathlib import Path
from typing import Any

import pytest
from django.template.backends.dummy import TemplateStrings
from starlette.templating import Jinja2Templates

from mailer.catalog import Welcome
from mailer.errors import TemplateError, TemplateFieldsInvalid
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.engine import Rendered, render
from mailer.templates.files import TemplateFiles

WELCOME = Welcome.model_validate({"name": "Ada", "dashboard_url": "https://app.example.com/"})
PAGE = "<mjml><mj-body><mj-section><mj-column>\n{}\n</mj-column></mj-section></mj-body></mjml>"


def welcome(*folders: Path) -> Rendered:
    return render(WELCOME, Brand(name="Example", templates=folders))


def note(folder: Path, values: dict[str, Any], **files: str) -> Rendered:
    for suffix, text in files.items():
        (folder / f"note.{suffix}").write_text(text)
    members: dict[str, Any] = {"__module__": __name__, "__annotations__": dict.fromkeys(values, object)}
    kind: Any = type("Note", (EmailTemplate,), {**members, "subject": "Note", "folder": folder})
    return render(kind(**values), Brand(name="Example"))


def test_built_in_template_is_overridden_by_name(tmp_path: Path):
    (tmp_path / "welcome.mjml").write_text(PAGE.format("<mj-text>Hi {{ name }}: {{ dashboard_url }}</mj-text>"))
    made = welcome(tmp_path)
    assert "Hi Ada: https://app.example.com/" in made.html
    assert made.text == "Hi Ada: https://app.example.com/\n"
    assert "Hi Ada" not in render(WELCOME, Brand(name="Example")).html


def test_text_alone_is_overridden(tmp_path: Path):
    (tmp_path / "welcome.txt").write_text("Short: {{ dashboard_url }}")
    made = welcome(tmp_path)
    assert made.text == "Short: https://app.example.com/\n"
    assert made.html == render(WELCOME, Brand(name="Example")).html


def test_first_folder_that_has_the_file_wins(tmp_path: Path):
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    for folder in ("b", "c"):
        (tmp_path / folder / "welcome.txt").write_text(folder)
    assert welcome(tmp_path / "absent", tmp_path / "a", tmp_path / "b", tmp_path / "c").text == "b\n"


def test_layout_is_overridden_for_every_template(tmp_path: Path):
    layout = tmp_path / "mailstack"
    layout.mkdir()
    (layout / "footer.mjml").write_text(
        "<mj-section><mj-column><mj-text>My own footer</mj-text></mj-column></mj-section>"
    )
    (layout / "footer.txt").write_text("My own footer")
    made = welcome(tmp_path)
    assert made.html.count("My own footer") == 1
    assert made.text.endswith("My own footer\n")
    assert "Hello Ada," in made.html


def test_override_extends_the_built_in_layout(tmp_path: Path):
    (tmp_path / "base.mjml").write_text(
        '<mjml><mj-include path="mailstack/head.mjml" /><mj-body>{% block main %}{% endblock %}</mj-body></mjml>'
    )
    (tmp_path / "welcome.mjml").write_text(
        '{% extends "base.mjml" %}\n{% block main %}'
        "<mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section>{% endblock %}"
    )
    made = welcome(tmp_path)
    assert "Hi" in made.html
    assert "prefers-color-scheme" in made.html


def test_folders_of_fastapi_and_django_are_searched(tmp_path: Path):
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails" / "welcome.txt").write_text("Mine")
    params = {"NAME": "django", "DIRS": [tmp_path], "APP_DIRS": False, "OPTIONS": {}}
    (tmp_path / "welcome.html").write_text("<p>A page of the site</p>")
    sources: list[Any] = [Jinja2Templates(directory=tmp_path), TemplateStrings(params), str(tmp_path / "mails")]
    for source in sources:
        brand = Brand(name="Example", templates=source)
        assert brand.templates == (tmp_path / "mails",)
        made = render(WELCOME, brand)
        assert made.text == "Mine\n"
        assert "A page of the site" not in made.html
    with pytest.raises(TemplateFieldsInvalid, match=r"templates: .*int names no folders"):
        Brand(templates=7)  # pyright: ignore[reportArgumentType]


def test_folders_in_a_file_are_relative_to_it(tmp_path: Path):
    (tmp_path / "brand.toml").write_text('name = "Example"\ntemplates = "own"\n')
    assert Brand.from_file(tmp_path / "brand.toml").templates == (tmp_path / "own",)


def test_template_without_files_of_its_own_is_found_in_a_folder(tmp_path: Path):
    kind: Any = type("Farewell", (EmailTemplate,), {"__module__": __name__, "subject": "Bye"})
    (tmp_path / "farewell.txt").write_text("Good bye")
    assert render(kind(), Brand(templates=(tmp_path,))).text == "Good bye\n"
    with pytest.raises(TemplateError, match=r"has neither farewell\.txt nor farewell\.mjml"):
        render(kind(), Brand())


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("Hello\n{{ nmae }}", "note.txt:2"),
        ("Hello\n\n{% if name %}", "note.txt:3"),
        ("{{ name }}\n{{ brand.nmae }}", "note.txt:2"),
        ("\n\n\n{{ name|uper }}", "note.txt:4"),
        ("\n{{ name.__class__ }}", "note.txt:2"),
    ],
)
def test_error_in_text_names_file_and_line(tmp_path: Path, text: str, where: str):
    with pytest.raises(TemplateError, match=rf"Note cannot be rendered \({where}\): "):
        note(tmp_path, {"name": "Ada"}, txt=text)


def test_error_in_mjml_names_its_line_and_element(tmp_path: Path):
    (tmp_path / "part.mjml").write_text("\n\n<mj-button href='{{ nmae }}'>x</mj-button>")
    for page, where in (
        (PAGE.format("\n<mj-text>{{ nmae }}</mj-text>"), r"note\.mjml:3, in <mj-text>"),
        (PAGE.format("<mj-text><p>\n<b>x</b>{% if nmae %}{% endif %}</p></mj-text>"), r"note\.mjml:3, in <p>"),
        (PAGE.format('<mj-include path="part.mjml" />'), r"part\.mjml:3, in <mj-button>"),
    ):
        with pytest.raises(TemplateError, match=rf"\({where}\): 'nmae' is undefined"):
            note(tmp_path, {"name": "Ada"}, txt="Hello", mjml=page)


@pytest.mark.parametrize("url", ["javascript:alert(1)", " JaVa\tScript:alert(1)", "data:text/html,x", "vbscript:x"])
@pytest.mark.parametrize(
    "html",
    ['<a href="{{ url }}">x</a>', "<img src='{{- url }}' alt=''>", '<a href="{{ url|trim }}/a">x</a>'],
)
def test_value_that_runs_a_script_is_refused_as_a_link(tmp_path: Path, html: str, url: str):
    with pytest.raises(TemplateError, match=r"Note cannot be rendered.*declare its field as mailer\.Url") as refusal:
        note(tmp_path, {"url": url}, txt="Hello", html=html)
    assert url not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["https://example.com/?a=1&b=x:y", "mailto:a@example.com", "tel:+1", "/path:x", "#a", "a?b:c", ""]
)
def test_other_values_are_links(tmp_path: Path, url: str):
    made = note(tmp_path, {"url": url}, txt="Hello", html='<a href="{{ url }}">{{ url }}</a>')
    assert f'href="{url.replace("&", "&amp;")}"' in made.html


def test_files_are_those_beside_the_class_by_default():
    files = TemplateFiles.of(Welcome)
    assert files.folders == (Welcome.template_folder(),)
    assert (files.page, files.text) == tuple(Welcome.template_folder() / f"welcome.{kind}" for kind in ("html", "txt"))
