"""MJML: mistakes are named with file, line and element; blocks and inheritance work where people write them."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment

from mailer.errors import TemplateError
from mailer.templates.derived_text import derive
from mailer.templates.mjml import compile_folder, compile_mjml
from mailer.templates.mjml_elements import elements, pattern

PAGE = "<mjml>\n<mj-body>\n{}\n</mj-body>\n</mjml>\n"
SECTION = "<mj-section><mj-column>{}</mj-column></mj-section>"
TEXT = SECTION.format("<mj-text>{}</mj-text>")


def compiled(folder: Path, text: str, **others: str) -> str:
    for name, other in others.items():
        (folder / f"{name}.mjml").write_text(other)
    (folder / "page.mjml").write_text(text)
    return compile_mjml(folder / "page.mjml")


def rendered(folder: Path, text: str, **values: object) -> str:
    return Environment(autoescape=True).from_string(compiled(folder, text)).render(values)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            SECTION.format('<mj-text\n  colour="#fff">x</mj-text>'),
            "3: <mj-text> has no attribute colour; did you mean color",
        ),
        (
            SECTION.format('\n<mj-text fontsize="12px">x</mj-text>'),
            "4: <mj-text> has no attribute fontsize; did you mean font-size",
        ),
        (SECTION.format("<mj-buton>x</mj-buton>"), "3: <mj-buton> is not MJML; did you mean mj-button"),
        (SECTION.format("<p>x</p>"), "3: <p> is HTML and may not be in <mj-column>: put it into <mj-text>"),
        ("<mj-text>x</mj-text>", "3: <mj-text> may not be in <mj-body>: it may be in mj-column, mj-hero"),
        (SECTION.format("hello"), "3: <mj-column> cannot hold text: put hello into <mj-text>"),
        (
            SECTION.format('<mj-text align="middle">x</mj-text>'),
            "align=middle, which is not left or right or center or justify",
        ),
        (
            SECTION.format('<mj-text padding="8">x</mj-text>'),
            "padding=8, which is not a number with px or %, up to 4 of them",
        ),
        (SECTION.format('<mj-text color="#12345">x</mj-text>'), "color=#12345, which is not a colour"),
        (SECTION.format("<mj-text align=left>x</mj-text>"), '<mj-text> has align without quotes: write align="..."'),
        (SECTION.format('<mj-text align="left" align="right">x</mj-text>'), "<mj-text> has align twice"),
        (SECTION.format("<mj-text align>x</mj-text>"), "<mj-text> has align without a value"),
        (
            SECTION.format('<mj-text {% if a %}align="left"{% endif %}>x</mj-text>'),
            "has a block of Jinja2 between its attributes",
        ),
        (TEXT.format("\n\n<a href={{ url }}>x</a>"), '5: <a> has href without quotes: write href="..."'),
        (TEXT.format('\n<a href="javascript:alert(1)">x</a>'), "4: <a> has a script as href"),
        (TEXT.format('<a href=" JavaScript&#58;alert(1)">x</a>'), "3: <a> has a script as href"),
        (SECTION.format('<mj-button href="javascript:{{ x }}">x</mj-button>'), "3: <mj-button> has a script as href"),
        (
            SECTION.format("<mj-raw><style>\na { color: {{ colour }} }</style></mj-raw>"),
            r"4: <style> has \{\{ colour \}\}: in a style",
        ),
        (TEXT.format("\n{% if x %}"), "Jinja2 says: Unexpected end of template.*'endif'"),
        (TEXT.format("\n{{ x y }}"), "4: Jinja2 says: expected token"),
        (
            TEXT.format("\n{% trans %}Hello{% endtrans %}{% endfor %}"),
            "4: Jinja2 says: Encountered unknown tag 'endfor'",
        ),
        (TEXT.format("<p>x"), "3: <p> is never closed"),
        (TEXT.format("x</b>"), "3: </b> closes nothing: it is not open"),
        (TEXT.format("<i><b>x</i></b>"), "3: </i> closes nothing: <b> is open"),
        (TEXT.format("1 < 2"), "3: < 2</mj-text.* is not a tag.*&lt;"),
        (TEXT.format('<a href="x>y</a>'), '3: <a href="x.* is not a tag: a > or a quote is missing'),
        ("</mj-section>", "3: </mj-section> closes nothing: <mj-body> is open"),
        (
            SECTION.format("<mj-social>{% if a %}<mj-social-element name='x' />{% endif %}</mj-social>"),
            "<mj-social> cannot hold",
        ),
    ],
)
def test_mistake_is_named_with_file_line_and_element(tmp_path: Path, body: str, said: str):
    with pytest.raises(TemplateError, match=f"page\\.mjml:(?s:.)*{said}") as refusal:
        compiled(tmp_path, PAGE.format(body))
    assert "mjml:" in re.sub(r"\s+", " ", str(refusal.value))


def test_mistake_in_an_included_file_names_that_file(tmp_path: Path):
    page = PAGE.format('<mj-include path="part.mjml" />\n<mj-section colour="red"></mj-section>')
    with pytest.raises(TemplateError) as refusal:
        compiled(tmp_path, page, part=SECTION.format("\n\n<mj-txt>x</mj-txt>"))
    assert "part.mjml:3: <mj-txt> is not MJML" in str(refusal.value)
    assert "page.mjml:4: <mj-section> has no attribute colour" in str(refusal.value)


def test_variables_in_style_sheets_are_those_of_the_brand(tmp_path: Path):
    head = "<mjml><mj-head><mj-style>a {{ color: {} }}</mj-style></mj-head><mj-body></mj-body></mjml>"
    assert "a { color: {{ brand.link }} }" in compiled(tmp_path, head.format("{{ brand.link }}"))
    for mark in ("{{ colour }}", "{{ brand.link ~ x }}", "{{ brandish }}"):
        with pytest.raises(TemplateError, match=r"page\.mjml:1: <mj-style> has .*only values of brand"):
            compiled(tmp_path, head.format(mark))


@pytest.mark.parametrize(
    "body",
    [
        "{% if show %}" + TEXT.format("hello") + "{% endif %}",
        "<mj-section>{% if show %}<mj-column><mj-text>hello</mj-text></mj-column>{% endif %}</mj-section>",
        SECTION.format("{% if show %}<mj-text>hello</mj-text>{% else %}<mj-text>no</mj-text>{% endif %}"),
        SECTION.format("<mj-text>{% if show %}<p>hello</p>{% endif %}</mj-text>"),
        "<mj-wrapper>{% if show %}" + TEXT.format("hello") + "{% endif %}</mj-wrapper>",
        "<mj-hero>{% if show %}<mj-text>hello</mj-text>{% endif %}</mj-hero>",
        "{# why #}{% if show %}<!-- here -->\n" + TEXT.format("hello") + "\n{% endif %}{# end #}",
    ],
)
def test_conditional_block_works_between_elements(tmp_path: Path, body: str):
    assert rendered(tmp_path, PAGE.format(body), show=True).count("hello") == 1
    without = rendered(tmp_path, PAGE.format(body), show=False)
    assert "hello" not in without
    assert without.count("<table") == without.count("</table>")
    assert without.count("<!--[if") == without.count("<![endif]-->")


def test_loop_repeats_elements(tmp_path: Path):
    body = "{% for one in many %}" + TEXT.format("{{ one.name }}") + "{% endfor %}"
    html = rendered(tmp_path, PAGE.format(body), many=[{"name": "A & B"}, {"name": "C"}])
    assert [html.count("A &amp; B"), html.count(">C<")] == [1, 1]


def test_statements_outside_of_mjml_stay_outside(tmp_path: Path):
    text = "{% set greeting = 'Hello' %}\n" + PAGE.format(TEXT.format("{{ greeting }}"))
    assert ">Hello</div>" in rendered(tmp_path, text)


def test_page_inherits_the_blocks_of_another(tmp_path: Path):
    base = PAGE.format("{% block top %}" + TEXT.format("top") + "{% endblock %}{% block main %}{% endblock main %}")
    middle = '{% extends "base.mjml" %}{% block main %}' + TEXT.format("middle") + "{% endblock %}"
    page = (
        '{# a page #}{% extends "middle.mjml" %}{% block main %}'
        + TEXT.format("before")
        + "{{ super() }}{% endblock %}"
    )
    html = compiled(tmp_path, page, base=base, middle=middle)
    assert re.findall(">(top|before|middle)<", html) == ["top", "before", "middle"]
    assert re.findall(r"\{% (?:end)?block ?\w* ?%\}", html) == [
        *("{% block top %}", "{% endblock %}", "{% block main %}", "{% endblock main %}")
    ]


def test_mistake_in_an_inherited_block_names_its_file(tmp_path: Path):
    page = '{% extends "base.mjml" %}\n{% block main %}\n<mj-txt>x</mj-txt>{% endblock %}'
    with pytest.raises(TemplateError, match=r"page\.mjml:3: <mj-txt> is not MJML"):
        compiled(tmp_path, page, base=PAGE.format("{% block main %}{% endblock %}"))


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ('{% extends "base.mjml" %}{% block mian %}{% endblock %}', "block mian, which base.mjml has not. Its blocks"),
        ('{% extends "absent.mjml" %}', "page.mjml:1 includes absent.mjml, which is not there"),
        ('{% extends "page.mjml" %}', "includes itself"),
        ('\n{% extends "base.mjml" %}{% block main %}', "page.mjml:2 has a block main without an endblock"),
        ('{% extends "base.mjml" %}{% endblock %}', "page.mjml:1 has an endblock without a block"),
    ],
)
def test_wrong_inheritance_is_explained(tmp_path: Path, page: str, said: str):
    with pytest.raises(TemplateError, match=said):
        compiled(tmp_path, page, base=PAGE.format("{% block main %}{% endblock %}"))


@pytest.mark.parametrize(
    "include",
    ['<mj-include path="part.mjml" />', '{% include "part.mjml" %}', '<mj-include path="part.mjml"></mj-include>'],
)
def test_partial_is_included_in_each_way_of_writing(tmp_path: Path, include: str):
    assert ">part<" in compiled(tmp_path, PAGE.format(include), part=TEXT.format("part"))


def test_style_sheet_and_html_are_included(tmp_path: Path):
    (tmp_path / "a.css").write_text("p { margin: 0 }")
    (tmp_path / "a.html").write_text("<!-- kept --><div>raw</div>")
    head = '<mjml><mj-head><mj-include path="a.css" type="css" /></mj-head>'
    html = compiled(tmp_path, f'{head}<mj-body><mj-include path="a.html" type="html" /></mj-body></mjml>')
    assert "p { margin: 0 }" in html
    assert "<div>raw</div>" in html


def test_html_attributes_are_set_on_what_a_selector_finds(tmp_path: Path):
    head = """<mj-head><mj-html-attributes>
      <mj-selector path=".note div"><mj-html-attribute name="data-id">{{ number }}</mj-html-attribute></mj-selector>
      <mj-selector path="a"><mj-html-attribute name="target">_top</mj-html-attribute></mj-selector>
    </mj-html-attributes></mj-head>"""
    text = '<mj-text css-class="note"><a href="https://example.com" target="_blank">x</a></mj-text><mj-text>y</mj-text>'
    html = rendered(tmp_path, f"<mjml>{head}<mj-body>{SECTION.format(text)}</mj-body></mjml>", number='7"')
    assert html.count("data-id") == html.count('data-id="7&#34;"') == 1
    assert '<a target="_top" href="https://example.com">' in html
    with pytest.raises(TemplateError, match=r"path='a\[', which is not a CSS selector"):
        compiled(tmp_path, f"<mjml>{head.replace('.note div', 'a[')}<mj-body></mj-body></mjml>")


def test_pages_are_compiled_and_fragments_are_not(tmp_path: Path):
    (tmp_path / "base.mjml").write_text(PAGE.format("{% block main %}{% endblock %}"))
    (tmp_path / "page.mjml").write_text('{% extends "base.mjml" %}')
    (tmp_path / "part.mjml").write_text(TEXT.format("x"))
    assert [path.name for path in compile_folder(tmp_path)] == ["base.html", "page.html"]


def test_text_is_derived_ahead_where_there_is_none(tmp_path: Path):
    (tmp_path / "page.mjml").write_text(PAGE.format(TEXT.format("Hello")))
    assert [path.name for path in compile_folder(tmp_path, check=True, text=True)] == ["page.html", "page.txt"]
    assert not (tmp_path / "page.txt").exists()
    compile_folder(tmp_path, text=True)
    assert (tmp_path / "page.txt").read_text() == "Hello\n"
    (tmp_path / "page.txt").write_text("Mine")
    assert compile_folder(tmp_path, text=True) == []


def test_table_of_mjml_is_complete():
    assert len(elements()) >= 33
    types = {type_ for one in elements().values() for type_ in (one.attributes or {}).values()}
    assert {one for one in types if pattern(one) is None} == {"string"}


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("unit(px,%){1,4}", ["0", "8px", "8px 1.5%", "1px 2px 3px 4px"], ["8", "8em", "1px 2px 3px 4px 5px", "-1px"]),
        ("unit(px,%,)", ["1.5", "150%", "20px"], ["1.5em"]),
        ("unit(px,auto)", ["auto", "10px"], ["10%"]),
        ("unitWithNegative(px,em)", ["-0.5em", "1px"], ["1%"]),
        ("boolean", ["true", "false"], ["yes"]),
        ("color", ["#fff", "#ffffff", "red", "rgba(0,0,0,.5)", "transparent"], ["#ff", "#fffff", "1", "blu"]),
        ("enum(full-width,false,)", ["full-width", "false", ""], ["true"]),
    ],
)
def test_value_is_checked_by_its_type(type_: str, good: list[str], bad: list[str]):
    shape = pattern(type_)
    assert shape
    assert [one for one in good if not shape.fullmatch(one)] == []
    assert [one for one in bad if shape.fullmatch(one)] == []


def test_plain_text_is_derived_with_links_and_statements(tmp_path: Path):
    body = SECTION.format(
        '<mj-text><h1>Order {{ number }}</h1><p>Dear {{ name }}, see <a href="{{ url }}">your order</a>.</p></mj-text>'
        "{% for one in items %}<mj-text>{{ one }}</mj-text>{% endfor %}"
        '<mj-button href="{{ url }}">Open it</mj-button><mj-text><a href="{{ url }}">{{ url }}</a></mj-text>'
        '<mj-image src="https://example.com/a.png" alt="A kettle" />'
        '<mj-text><a href="mailto:help@example.com">help@example.com</a></mj-text>'
        "<mj-table><tr><td>Kettle</td><td>2 &amp; 5</td></tr></mj-table>"
    )
    text = derive(compiled(tmp_path, PAGE.format(body)))
    made = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False).from_string(text)  # noqa: S701 - it is plain text
    shown = made.render(number=7, name="Ada", url="https://example.com/7", items=["One", "Two"])
    lines = [line for line in shown.splitlines() if line]
    assert lines == [
        *("Order 7", "Dear Ada, see your order (https://example.com/7).", "One", "Two", "Open it:"),
        *("https://example.com/7", "https://example.com/7", "[A kettle]", "help@example.com", "Kettle 2 & 5"),
    ]
