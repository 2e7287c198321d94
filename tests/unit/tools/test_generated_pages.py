"""Pages of docs/ that come from code: today's, and drawn as they claim."""

import importlib
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import mailer
from mailer import MailerError
from mailer.catalog import TEMPLATES
from tests.django_project import set_up
from tools.docs import catalogue, doctor_checks, import_graph, live_claims, outputs_reference
from tools.docs.import_graph import mermaid
from tools.docs.marked import with_block

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("page", "writer"),
    [
        ("development/architecture.md", import_graph.written),
        ("reference/stack-outputs.md", outputs_reference.written),
        ("guides/doctor.md", doctor_checks.written),
        ("guides/live-check.md", live_claims.written),
    ],
)
def test_a_generated_page_is_todays(page: str, writer: Callable[[str], str]):
    text = (DOCS / page).read_text(encoding="utf-8")
    assert writer(text) == text, "run: make docs"


def test_catalogue_page_is_todays():
    assert (DOCS / "reference" / "catalogue.md").read_text(encoding="utf-8") == catalogue.page(), "run: make docs"


def test_every_template_has_a_picture_and_no_other():
    pictures = {path.stem for path in (DOCS / "reference" / catalogue.PICTURES).iterdir()}
    assert pictures == {kind.template_name() for kind in TEMPLATES}, "run: make pictures"


def test_the_picture_of_the_rooms_shows_who_imports_whom():
    rooms = import_graph.pictures()["rooms"]
    arrows = set(re.findall(r"(\w+) --> (\w+)", rooms))
    assert {("mailstack_infra", "mailer"), ("lambdas", "mailer"), ("demo", "mailstack_localcloud")} <= arrows
    assert not [pair for pair in arrows if pair[0] in {"mailer", "mailstack_localcloud"}]


@pytest.mark.parametrize(
    ("imports", "reduced"),
    [
        ({"a": {"b", "c"}, "b": {"c"}, "c": set()}, {"a": {"b"}, "b": {"c"}, "c": set()}),
        ({"a": {"b", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}, {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}),
        # A circle keeps all that it has: neither import follows from the other's.
        ({"a": {"b", "c"}, "b": {"a", "c"}, "c": set()}, {"a": {"b", "c"}, "b": {"a", "c"}, "c": set()}),
    ],
)
def test_imports_that_follow_from_others_are_left_out(imports: import_graph.Imports, reduced: import_graph.Imports):
    assert import_graph._reduced(imports) == reduced


def test_a_flowchart_has_a_box_a_part_and_an_arrow_an_import():
    assert mermaid({"b": set(), "a": {"b"}}).splitlines() == [
        "```mermaid",
        "flowchart TD",
        '    a["a"]',
        '    b["b"]',
        "    a --> b",
        "```",
    ]


@pytest.mark.parametrize("page", ["", "<!-- x: begin --><!-- x: end --><!-- x: begin --><!-- x: end -->"])
def test_a_page_without_exactly_one_block_is_refused(page: str):
    with pytest.raises(ValueError, match="not one"):
        with_block(page, "x", "text")


def subclasses(error: type[Exception]) -> set[str]:
    found = {error.__name__} if error.__module__.startswith("mailer.") else set[str]()
    return found.union(*(subclasses(child) for child in error.__subclasses__()))


def test_the_reference_names_every_error():
    set_up()  # the models of mailer.django need settings
    for module in pkgutil.walk_packages(mailer.__path__, "mailer."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    text = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    assert [name for name in sorted(subclasses(MailerError)) if f"`{name}`" not in text and name[0] != "_"] == []
