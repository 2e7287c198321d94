"""Templates of other providers: each renders here what it rendered there, and what does not is named with its line."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from mailer import Mailer
from mailer.cli import main
from mailer.migrate.templates.exports import Exported, imported, module_text
from mailer.migrate.templates.handlebars import Handlebars
from mailer.migrate.templates.merge_tags import MergeTags
from mailer.migrate.templates.uses import Variable

EXAMPLES = 40


def handlebars(text: str, *, is_html: bool = True) -> tuple[str, list[str]]:
    translator = Handlebars(Variable(), is_html=is_html)
    return translator.translate(text), [f"{one.line}: {one.words}" for one in translator.problems]


def merge_tags(text: str, *, is_html: bool = True) -> tuple[str, list[str]]:
    translator = MergeTags(Variable(), is_html=is_html)
    return translator.translate(text), [f"{one.line}: {one.words}" for one in translator.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi {{firstName}}", "Hi {{ first_name }}"),
        ("{{ order.number }}", "{{ order.number }}"),
        ("{{#if paid}}a{{else}}b{{/if}}", "{% if paid %}a{% else %}b{% endif %}"),
        ("{{#if a}}1{{else if b}}2{{/if}}", "{% if a %}1{% elif b %}2{% endif %}"),
        ("{{#unless a}}b{{/unless}}", "{% if not a %}b{% endif %}"),
        ("{{#each a}}{{name}} {{../shop}}{{/each}}", "{% for item in a %}{{ item.name }} {{ shop }}{% endfor %}"),
        ("{{#each tags}}{{this}}{{/each}}", "{% for item in tags %}{{ item }}{% endfor %}"),
        ("{{#each a}}{{.}}{{else}}none{{/each}}", "{% for item in a %}{{ item }}{% else %}none{% endfor %}"),
        ("{{#each a}}{{@index}}{{/each}}", "{% for item in a %}{{ loop.index0 }}{% endfor %}"),
        ("{{#each a}}{{#if @last}}.{{/if}}{{/each}}", "{% for item in a %}{% if loop.last %}.{% endif %}{% endfor %}"),
        (
            "{{#each a}}{{#each b}}{{c}}{{../d}}{{@root.e}}{{/each}}{{/each}}",
            "{% for item in a %}{% for inner in item.b %}{{ inner.c }}{{ item.d }}{{ e }}{% endfor %}{% endfor %}",
        ),
        ("{{#with shop}}{{name}}{{/with}}", "{% if shop %}{{ shop.name }}{% endif %}"),
        ("{{^paid}}unpaid{{/paid}}", "{% if not paid %}unpaid{% endif %}"),
        ('{{#equals state "new"}}a{{/equals}}', '{% if state == "new" %}a{% endif %}'),
        ("{{#greaterThan total 10}}a{{/greaterThan}}", "{% if total > 10 %}a{% endif %}"),
        ("{{#and a b}}c{{/and}}", "{% if (a and b) %}c{% endif %}"),
        ('{{insert name "default=friend"}}', '{{ name or "friend" }}'),
        ("a{{! note }}b{{!-- {{x}} --}}c", "abc"),
        ("{{subject}} {{class}} {{item}}", "{{ subject_ }} {{ class_ }} {{ item_ }}"),
        ("{{~name~}}", "{{ name }}"),
    ],
)  # fmt: skip
def test_handlebars_become_jinja(text: str, expected: str):
    assert handlebars(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n{{{html}}}", "2: HTML in 'html' is escaped here"),
        ("{{> footer}}", "1: A partial or layout"),
        ("\n\n{{{@content}}}", "3: A partial or layout"),
        ("{{formatDate date 'D'}}", "1: There is no such helper here"),
        ("{{unsubscribe}}", "1: Unsubscribe links are the library's own"),
        ("{{#each a}}", "1: The block 'each' is never closed."),
        ("{{/if}}", "1: No block is open"),
        ("{{#if a}}{{/each}}{{/if}}", "1: The open block is 'if'"),
        ("{{#custom a b}}x{{/custom}}", "1: There is no such block here; its content is kept"),
        ("{{#product}}{{name}}{{/product}}", "1: {{#product}} is taken for an object"),
        ("{{@index}}", "1: It is in no loop"),
        ("{{this}}", "1: It is in no block"),
        ("{{a'b}}", "1: "),
        ("{% if x %}", "1: A brace got a space"),
    ],
)
def test_tag_that_is_not_translated_is_named(text: str, said: str):
    _, problems = handlebars(text)
    assert problems[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi *|FNAME|*", "Hi {{ fname }}"),
        ("*|IF:PAID|*a*|ELSE:|*b*|END:IF|*", "{% if paid %}a{% else %}b{% endif %}"),
        ("*|IF:A=b|*a*|ELSEIF:A=c|*b*|END:IF|*", '{% if a == "b" %}a{% elif a == "c" %}b{% endif %}'),
        ("*|IF:AGE>18|*a*|END:IF|*", "{% if age > 18 %}a{% endif %}"),
        ("*|IFNOT:PAID|*a*|END:IF|*", "{% if not paid %}a{% endif %}"),
        ("*|UPPER:NAME|* *|MC:SUBJECT|*", "{{ name|upper }} {{ subject }}"),
    ],
)  # fmt: skip
def test_merge_tags_become_jinja(text: str, expected: str):
    assert merge_tags(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n*|HTML:BODY|*", "2: HTML is escaped here"),
        ("*|UNSUB:https://example.com|*", "1: Unsubscribe links"),
        ("*|DATE:d/m/y|*", "1: There is no such tag"),
        ("*|IF:A|*", "1: A block IF is never closed."),
        ("*|END:IF|*", "1: There is no such tag"),
    ],
)
def test_merge_tag_that_is_not_translated_is_named(text: str, said: str):
    assert merge_tags(text)[1][0].startswith(said)


TAGS = st.sampled_from(
    [
        *("{{a}}", "{{{b}}}", "{{#if a}}", "{{else}}", "{{/if}}", "{{#each c}}", "{{/each}}", "{{d.e}}", "{{../f}}"),
        *("{{#g}}", "{{/g}}", "{{^h}}", "{{/h}}", "{{! i }}", "{{@last}}", "{{", "}}", "{%", "%}", "{#", "#}", "<b>"),
        *("*|A|*", "*|IF:A|*", "*|ELSE:|*", "*|END:IF|*", "*|IF:A=1|*", "*|", "|*", "{{else if a}}", "{{#equals a 1}}"),
        *("{{this}}", "{", "\n"),
    ]
)


@pytest.mark.parametrize(
    "text",
    [
        "{{#if a}}1{{else}}2{{else}}3{{/if}}",
        "{{#if a}}1{{else}}2{{else if b}}3{{/if}}",
        "{{#each c}}1{{else}}2{{else}}3{{/each}}",
        "*|IF:A|*1*|ELSE:|*2*|ELSE:|*3*|END:IF|*",
        "*|IF:A|*1*|ELSE:|*2*|ELSEIF:B|*3*|END:IF|*",
    ],
)
def test_second_else_is_a_problem(text: str):
    translated, problems = (handlebars if "{{" in text else merge_tags)(text)[:2]
    Environment(autoescape=True).parse(translated)
    assert "{# not translated #}" in translated
    assert len(problems) == 1


@settings(deadline=None)
@given(st.lists(TAGS | st.text(max_size=4), max_size=12).map("".join))
def test_any_text_becomes_a_template_of_jinja(text: str):
    for translate in (handlebars, merge_tags):
        Environment(autoescape=True).parse(translate(text)[0])


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.text(max_size=20), st.lists(TAGS, max_size=10).map("".join), st.lists(TAGS, max_size=10).map("".join))
def test_any_export_becomes_a_module_of_python(name: str, subject: str, html: str):
    taken: set[str] = set()
    found = [imported(Exported(name, subject, html, "Text"), taken) for _ in range(2)]
    compile(module_text(found), "imported.py", "exec")
    assert len({one.class_name for one in found}) == 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "mails"]:
        del sys.modules[name]


HTML = (
    '<h1>Hello {{firstName}}</h1>{{#each items}}<p>{{name}}: {{price}}</p>{{/each}}'
    '{{#if trackingUrl}}<a href="{{trackingUrl}}">Track</a>{{else}}<p>Soon.</p>{{/if}}'
)  # fmt: skip
DATA = {"first_name": "Ada", "items": [{"name": "A <kettle>", "price": "7"}], "tracking_url": "https://example.com/7"}
TEXT = "Hello {{firstName}}. {{#each items}}{{name}}: {{price}} {{/each}}"
PROVIDERS: dict[str, Any] = {
    "sendgrid": {
        "name": "Order shipped",
        "generation": "dynamic",
        "versions": [
            {"active": 0, "subject": "Old", "html_content": "old", "plain_content": "old"},
            {"active": 1, "subject": "Order of {{firstName}}", "html_content": HTML, "plain_content": TEXT},
        ],
    },
    "postmark": {"Name": "Order shipped", "Subject": "Order of {{firstName}}", "HtmlBody": HTML, "TextBody": TEXT},
    "mailgun": {
        "template": {
            "name": "Order shipped",
            "version": {"template": HTML, "engine": "handlebars", "headers": {"Subject": "Order of {{firstName}}"}},
        }
    },
    "mandrill": [{"name": "Order shipped", "subject": "Order of {{firstName}}", "code": HTML, "text": TEXT}],
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_imported_template_renders_what_it_did(folder: Path, provider: str, capsys: pytest.CaptureFixture[str]):
    (folder / "export.json").write_text(json.dumps(PROVIDERS[provider]))
    assert main(["templates", "import", "export.json", "--into", "mails"]) == 0
    assert "Order shipped: OrderShipped (order_shipped.html" in capsys.readouterr().out
    mail = importlib.import_module("mails.imported").OrderShipped(**DATA)
    message = Mailer.local(folder / "sent").compose(mail, to="ada@example.com")
    assert message.subject == "Order of Ada"
    assert message.html
    for part in ("<h1>Hello Ada</h1>", "<p>A &lt;kettle&gt;: 7</p>", 'href="https://example.com/7"'):
        assert part in message.html
    if provider != "mailgun":
        assert message.text.strip() == "Hello Ada. A <kettle>: 7"


def test_folder_of_the_postmark_cli_is_imported(folder: Path):
    pulled = folder / "pulled" / "receipt"
    pulled.mkdir(parents=True)
    (pulled / "content.html").write_text("<p>{{amount}}</p>")
    (pulled / "content.txt").write_text("{{amount}}")
    (pulled / "meta.json").write_text(
        json.dumps({"Name": "Receipt", "Subject": "{{amount}}", "TemplateType": "Standard"})
    )
    assert main(["templates", "import", "pulled", "--into", "mails", "--module", "post.py"]) == 0
    assert importlib.import_module("mails.post").Receipt(amount="7").amount == "7"


def test_dry_run_reports_and_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "receipt.html").write_text("<p>{{amount}}</p>\n{{> footer}}")
    assert main(["templates", "import", "receipt.html", "--into", "mails", "--dry-run", "--json"]) == 1
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["class"], [problem["line"] for problem in one["problems"]]) == ("Receipt", [2])
    assert not (folder / "mails").exists()


def test_files_that_exist_are_not_replaced(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "receipt.html").write_text("<p>{{amount}}</p>")
    assert main(["templates", "import", "receipt.html", "--into", "mails"]) == 0
    assert main(["templates", "import", "receipt.html", "--into", "mails"]) == 2
    assert "already; nothing was written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["[]", "{}", "not json", '{"versions": 3}', "[1, {}]", '{"template": {"versions": []}}']
)
def test_file_without_templates_is_named(folder: Path, text: str, capsys: pytest.CaptureFixture[str]):
    (folder / "export.json").write_text(text)
    assert main(["templates", "import", "export.json", "--into", "mails"]) == 2
    assert capsys.readouterr().err.startswith("mailer: export.json ")
