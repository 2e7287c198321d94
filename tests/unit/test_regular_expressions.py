"""No regular expression of the shipped code can stop a process: each is linear, whatever it is given."""

import re
import signal
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from pydantic import BaseModel

from mailer.templates import html_attributes, mjml_elements
from mailer.transports import smtp_replies
from mailer.transports.ses_replies import REPLIES
from mailstack_localcloud.pulumi.provider import resources
from mailstack_localcloud.pulumi.provider.resource import Form
from tests.unit.regular_expressions import ANCHORED, Found, attacks, shipped

# Characters. Fourfold, a linear pattern takes four times as long and a quadratic one sixteen times.
LENGTH, FOLD, LINEAR = 5_000, 4, 10
# CPU seconds of this process: what takes less is not measured, and what takes more does not end in reason. On a slow
# machine a pattern that looks 2,000 characters ahead, from each of 20,000 places, takes half a second.
NOTHING, LIMIT = 0.004, 5.0

FOUND = shipped()
FORMS = [import_module(f"{resources.__name__}.{one.name}") for one in iter_modules(resources.__path__)]


def found_patterns(*types: str) -> list[re.Pattern[str]]:
    """Of the types of MJML's attributes."""
    return [pattern for pattern in map(mjml_elements.pattern, types) if pattern]


# What only the running code knows, and how it is known here.
KNOWN_ELSEWHERE: dict[str, list[re.Pattern[str]]] = {
    "row.containing": [re.compile(row.containing, re.IGNORECASE) for row in REPLIES],
    "row.reply": [re.compile(row.reply, re.IGNORECASE) for row in smtp_replies.REPLIES],
    # mailer/templates/located.py: the name of a variable; mailer/templates/mjml_elements.py: words of MJML's lists.
    "f'\\\\b{re.escape(name)}\\\\b'": [re.compile(r"\bname\b")],
    "'|'.join(map(re.escape, type_[len('enum('):-1].split(',')))": [re.compile("left|right")],
    "SIMPLE[type_] + names": found_patterns(*mjml_elements.SIMPLE),
    "f'(?:{one})(?:\\\\s+(?:{one})){{0,{most}}}'": found_patterns("unit(px,%){1,4}"),
    # mailer/templates/html_attributes.py: attributes of one tag.
    "named(wanted[start])": [re.compile(html_attributes.named(["class", "id"]))],
    # mailer/doctor/explain: a text of at most 10,000 characters that a person gives to a command.
    "row.words": [],
    "one.words": [],
    "f'\\\\s*(?:\\\\n|\\\\\\\\r?\\\\\\\\n)\\\\s*{code}[ -](?:[45]\\\\.\\\\d+\\\\.\\\\d+ ?)?'": [],
    # localcloud: chatbot/protocol.py: the patterns of botocore's model, for texts of at most 2,048 characters.
    "str(pattern)": [],
    # localcloud: control/routes.py, localcloud: ses/protocol.py: routes of our own and of botocore's model.
    "_regex(pattern)": [re.compile("faults/([^/]+)"), re.compile("messages/([^/]+)/content")],
    "f'{pattern}/?'": [re.compile("/v2/email/configuration-sets/(?P<a>[^/]+)/event-destinations/(?P<b>[^/]+)/?")],
    # localcloud: pulumi/provider/resource.py: the forms of resources.
    "pattern": [form.pattern for module in FORMS for form in vars(module).values() if isinstance(form, Form)],
    # localcloud: ses/exports.py: a text with a star at either end.
    "before + literal + after": [re.compile(".*a.*", re.DOTALL)],
    # localcloud: pulumi/provider/invokes.py: what a Pulumi program asks a data source for is the program's own.
    "str(args.get('nameRegex') or '')": [],
    # tools/docs/picture.py: marks in a page of this repository.
    "f'{begin}.*?{end}'": [],
}


class TooSlow(Exception):  # noqa: N818
    pass


@contextmanager
def limited() -> Generator[None]:
    """End what takes too long: `re` looks for signals while it matches."""

    def end(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def seconds(run: Callable[[Any], object], text: Any) -> float:
    begin = time.process_time()
    try:
        with limited():
            run(text)
    except TooSlow:
        return float("inf")
    return time.process_time() - begin


def slow(pattern: re.Pattern[Any], *, anchored: bool) -> str:
    """The text for which the time grows faster than the length, shortened; empty where there is none."""
    run = pattern.match if anchored else pattern.search
    for attack in attacks(pattern):
        text = attack(LENGTH)
        first = seconds(run, text)
        if first > NOTHING and _grows(run, text, attack(LENGTH * FOLD), first):
            return repr(text[:60])
    return ""


def _grows(run: Callable[[Any], object], text: Any, longer: Any, first: float) -> bool:
    """The best of several, for a machine that is busy elsewhere; what was ended is not tried again."""
    if first == float("inf"):
        return True
    once = min(first, *(seconds(run, text) for _ in range(2)))
    return once > NOTHING and seconds(run, longer) > LINEAR * once and seconds(run, longer) > LINEAR * once


@pytest.mark.parametrize("pattern", [r"(a+)+\Z", r"(; ?[!-~]+)*\Z", r"[^@\s]+@"])
def test_the_attack_finds_what_is_not_linear(pattern: str):
    assert slow(re.compile(pattern), anchored=False)


@pytest.mark.parametrize("found", [one for one in FOUND if one.pattern], ids=lambda one: one.place)
def test_regular_expression_is_linear(found: Found):
    assert found.pattern
    assert slow(found.pattern, anchored=found.methods <= ANCHORED) == ""


@pytest.mark.parametrize("expression", KNOWN_ELSEWHERE)
def test_those_of_tables_are_linear_too(expression: str):
    for pattern in KNOWN_ELSEWHERE[expression]:
        assert slow(pattern, anchored=expression != "row.containing") == ""  # the others are for `fullmatch`


def test_every_pattern_of_a_field_is_among_them():
    found = {one.pattern.pattern for one in FOUND if one.pattern}
    held = {pattern for model in _models(BaseModel) for pattern in _patterns(model.__pydantic_core_schema__)}
    assert held
    assert held - found == set()


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        if model.__module__.startswith(("mailer.", "mailstack_infra.", "localcloud.")):
            yield model
        yield from _models(model)


def _patterns(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(pattern := schema.get("pattern"), str):
            yield pattern
        schema = list(schema.values())
    if isinstance(schema, list | tuple):
        for each in schema:
            yield from _patterns(each)


def test_every_regular_expression_is_known():
    unknown = [one for one in FOUND if not one.pattern and one.expression not in KNOWN_ELSEWHERE]
    assert unknown == []
    assert len(FOUND) > 100
