"""Templates with a brand's values compiled in: the same mail and the same errors, however many were sent before."""

from pathlib import Path
from typing import Any

import pytest

from mailer.catalog import Welcome
from mailer.errors import TemplateError
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.engine import REPEATED, render

BRANDS = (
    Brand(name="Example & <Co>", logo="https://www.example.com/a.png?b=1&c=2", support="help@example.com"),
    Brand(name="{{ 7 * 7 }}", accent="#ffd400", postal_address='12 "Row"\nSampleton'),
    Brand(),
)


def note(folder: Path, text: str) -> EmailTemplate:
    """A template that is the same text in its subject, text and HTML."""
    for suffix in ("txt", "html"):
        (folder / f"note.{suffix}").write_text(text)
    members: dict[str, Any] = {"__module__": __name__, "__annotations__": {"name": str}}
    kind: Any = type("Note", (EmailTemplate,), {**members, "subject": text, "folder": folder})
    return kind(name="Ada <b>")


def parts(template: EmailTemplate, brand: Brand) -> tuple[str, str, str]:
    rendered = render(template, brand)
    return (rendered.subject, rendered.text, rendered.html)


def after_many(template: EmailTemplate, brand: Brand) -> tuple[str, str, str]:
    for _ in range(REPEATED):
        render(template, brand)
    return parts(template, brand)


@pytest.mark.parametrize("brand", BRANDS)
def test_repeated_mail_is_the_same_as_the_first(brand: Brand):
    welcome = Welcome(name="Ada & Eve", dashboard_url="https://app.example.com/?a=1&b=2")
    assert after_many(welcome, brand) == parts(welcome, brand)


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize(
    "text",
    [
        "{{ brand.name }}|{{ brand['name'] }}|{{ (brand).accent|upper }}|{{ brand.name ~ name }}",
        "{% if brand.logo %}{{ brand.logo }}{% elif brand.support %}{{ brand.support }}{% else %}none{% endif %}",
        "{% set brand = {'name': name} %}{{ brand.name }}",
        "{% for brand in [{'name': 'a'}, {'name': 'b'}] %}{{ brand.name }}{% endfor %}",
        "{% macro m(brand) %}{{ brand.name }}{% endmacro %}{{ m({'name': 'c'}) }}",
        "{% with brand = {'name': 'd'} %}{{ brand.name }}{% endwith %}",
        "{% for a in brand.postal_lines %}{{ a }}{{ loop.last }}{% else %}{{ name }}{% endfor %}{{ a is defined }}",
        "{% for a in brand.links %}{{ a.url }}{% else %}{% set name = 'inside' %}{{ name }}{% endfor %}{{ name }}",
        "{% for a in brand.links + brand.social %}{{ a.label }}{% endfor %}-{% for a in (name,) %}{{ a }}{% endfor %}",
        "{% for part in (brand.links, brand.postal_lines) if part %}{{ part|length }}{% else %}none{% endfor %}",
        "{% for part in (brand.links, brand.footer_lines) if name %}{{ part|length }};{% else %}none{% endfor %}",
        "{% for part in (brand.links, brand.footer_lines) %}{{ loop.index }};{% else %}none{% endfor %}",
        "{{ brand.logo_width * 2 }} {{ brand.postal_address|replace('Row', 'Lane')|safe }} {{ brand.website is none }}",
    ],
)
def test_expressions_of_the_brand_keep_their_meaning(tmp_path: Path, text: str, brand: Brand):
    first = parts(note(tmp_path, text), brand)
    assert after_many(note(tmp_path, text), brand) == first


def test_included_files_keep_the_brand(tmp_path: Path):
    (tmp_path / "part.txt").write_text("by {{ brand.name }}")
    template = note(tmp_path, "{% include 'part.txt' %}")
    assert after_many(template, BRANDS[0]) == (
        "by Example & <Co>",
        "by Example & <Co>\n",
        "by Example &amp; &lt;Co&gt;",
    )


def test_two_brands_of_one_template_do_not_mix(tmp_path: Path):
    template = note(tmp_path, "{{ brand.name }}")
    names = {brand.name: after_many(template, brand)[0] for brand in BRANDS}
    assert [parts(template, brand)[0] for brand in BRANDS] == list(names.values()) == [one.name for one in BRANDS]


@pytest.mark.parametrize("text", ["{{ brand.nmae }}", "{{ brand.__init__.__globals__ }}", "{{ nmae }}"])
def test_repeated_mistakes_give_the_same_error(tmp_path: Path, text: str):
    template, errors = note(tmp_path, text), set[str]()
    for _ in range(REPEATED + 1):
        with pytest.raises(TemplateError) as failed:
            render(template, BRANDS[0])
        errors.add(str(failed.value))
    assert len(errors) == 1
