"""What rendering a mail costs: `mailer` beside Jinja2, Django templates and premailer, in one run.

Each renders subject, text and HTML of the template `Welcome` with another name each time. Django's templates are the
same pages, with the brand's values in them already. premailer inlines the style sheet of each page, as programs do that
keep CSS apart; MJML has done so when the template was compiled. Renderers take turns in every round; read the ratios.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

from benchmarks.sending.clients import brand
from benchmarks.sending.measures import Row
from benchmarks.sending.report import Section, write_section

PACKAGES = ("jinja2", "django", "premailer")
MARKERS = ("<!-- written by `make bench`, templates: -->", "<!-- end of the templates of `make bench` -->")
DJANGO = "Django templates"
_NAME, _URL = "NAMEHERE", "https://example.com/urlhere"
_SLOW = 20  # a round of premailer has so many mails fewer
Render = Callable[[str], str]


def welcome(name: str, url: str = "https://app.example.com/dashboard") -> Any:
    from mailer.catalog import Welcome

    return Welcome(name=name, dashboard_url=url)


def pages(name: str, url: str) -> list[str]:
    """The parts of the mail as templates: the mail with a variable in each place of the two values."""
    from mailer.templates.engine import render

    made = render(welcome(_NAME, _URL), brand())
    return [part.replace(_NAME, name).replace(_URL, url) for part in (made.subject, made.text, made.html)]


def mailer() -> Render:
    from mailer.templates.engine import render

    look = brand()
    return lambda name: render(welcome(name), look).html


def jinja2() -> Render:
    from jinja2 import Environment

    escaped, plain = Environment(autoescape=True), Environment()  # noqa: S701 - subject and text are plain
    subject, text, html = pages("{{ name }}", "{{ url }}")
    parts = (plain.from_string(subject), plain.from_string(text), escaped.from_string(html))
    return lambda name: [part.render(name=name, url="https://app.example.com/dashboard") for part in parts][-1]


def django() -> Render:
    from django.conf import settings
    from django.template import Context, Engine

    if not settings.configured:
        settings.configure()
    engine = Engine()
    parts = [engine.from_string(part) for part in pages("{{ name }}", "{{ url }}")]
    return lambda name: [
        part.render(Context({"name": name, "url": "https://app.example.com/dashboard"})) for part in parts
    ][-1]


def premailer() -> Render:
    from premailer import Premailer

    render = django()

    def inlined(name: str) -> str:
        page = Premailer(render(name), disable_validation=True, allow_network=False, cssutils_logging_level="CRITICAL")
        return cast("str", page.transform())

    return inlined


RENDERERS: dict[str, Callable[[], Render]] = {
    "Jinja2, the brand in the page": jinja2,
    "mailer": mailer,
    DJANGO: django,
    "Django templates and premailer": premailer,
}


def measured(rounds: int, mails: int) -> dict[str, Row]:
    """CPU time of a mail, and its ratio to Django's in the same round: medians."""
    renders = {name: start() for name, start in RENDERERS.items()}
    for name, render in renders.items():  # whatever they do once, they do it here
        for number in range(2 * _mails(name, mails)):
            assert f"warm {number}" in render(f"warm {number}")
    taken = [
        {name: _microseconds(render, _mails(name, mails)) for name, render in renders.items()} for _ in range(rounds)
    ]
    return {
        name: {
            "CPU µs": statistics.median(one[name] for one in taken),
            "CPU / Django": statistics.median(one[name] / one[DJANGO] for one in taken),
        }
        for name in RENDERERS
    }


def _mails(name: str, mails: int) -> int:
    return max(mails // _SLOW, 1) if "premailer" in name else mails


def _microseconds(render: Render, mails: int) -> float:
    started = time.process_time()
    for number in range(mails):
        render(f"Ada {number}")
    return (time.process_time() - started) / mails * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.templates", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="how often each figure is taken (default: 7)")
    parser.add_argument("--mails", type=int, default=500, help="mails of a renderer in a round (default: 500)")
    parser.add_argument("--write", action="store_true", help="write docs/development/performance.md, too")
    given = parser.parse_args()
    note = f"Medians over {given.rounds} rounds of {given.mails} mails (premailer: {given.mails // _SLOW})."
    section = Section("Templates", note, measured(given.rounds, given.mails))
    print(section.table())
    if given.write:
        write_section(section, PACKAGES, MARKERS)


if __name__ == "__main__":
    main()
