"""What is done when a template is compiled: the same mail as if Jinja2 did it for every mail."""

from jinja2 import DictLoader, Environment, nodes

from mailer.templates.flatten import joined, with_includes

FILES = {
    "part": "[{{ name }}{% set inner = 1 %}]",
    "nested": "({% include 'part' %})",
    "circle": "{% include 'circle' %}",
    "blocks": "{% block a %}a{% endblock %}",
    "macro": "{% macro m() %}m{% endmacro %}{{ m() }}",
}
VALUES = {"name": "<Ada>", "which": "part", "no": False}


class Flat(Environment):
    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return joined(with_includes(super()._parse(source, name, filename), self, super()._parse))


def both(text: str) -> tuple[str, str]:
    loader = DictLoader(FILES)
    plain, flat = (kind(loader=loader, autoescape=True).from_string(text) for kind in (Environment, Flat))
    return plain.render(VALUES), flat.render(VALUES)


def test_flattened_template_renders_the_same():
    for text in (
        "a{% include 'part' %}b",
        "{% include 'nested' %}{{ inner is defined }}",
        "{% include which %}",
        "{% include 'absent' ignore missing %}x",
        "{% include 'blocks' %}{% include 'macro' %}",
        "{% for name in 'ab' %}{% include 'part' %}{% endfor %}{{ name }}",
        "{% if true %}{{ name }}{% else %}no{% endif %}",
        "{% if false %}a{% elif no %}b{% elif name %}c{% else %}d{% endif %}",
        "{% if false %}a{% endif %}{% if 0 %}b{% else %}{% if 1 %}c{% endif %}{% endif %}",
        "{% set x = name %}{{ x }} & {{ 'a' ~ '<' }}{{ 1 + 1 }}",
    ):
        plain, flat = both(text)
        assert (text, flat) == (text, plain)


def test_included_files_and_constants_become_one_output():
    tree = Flat(loader=DictLoader(FILES)).parse(
        "a{{ 'b' }}{% if true %}c{% endif %}{% if false %}d{% endif %}{{ name }}"
    )
    assert [type(node) for node in tree.body] == [nodes.Output]
    assert list(Flat(loader=DictLoader(FILES)).parse("{% include 'nested' %}").find_all(nodes.Include)) == []


def test_file_that_includes_itself_is_left_to_jinja2():
    tree = Flat(loader=DictLoader(FILES)).parse("{% include 'circle' %}")
    assert len(list(tree.find_all(nodes.Include))) == 1
