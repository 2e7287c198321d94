"""`mailer templates score`: what mail clients, screen readers and spam filters make of a template, as one report."""

from typing import TYPE_CHECKING, cast

from mailer.cli.data import brand_of, fields_of, pair
from mailer.cli.named_template import fill, find
from mailer.cli.output import as_json, line, table

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mailer.message import Message
    from mailer.quality.report import Score
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand

HELP = "check a template: size, links, mail clients, accessibility, spam"
EPILOG = """\
examples:
  mailer templates score welcome --set name=Ada --set dashboard_url=https://app.example.com
  mailer templates score welcome --locale es --no-spam
  mailer templates score shop.mails:OrderShipped --data order.json --brand brand.toml --json

Fields that are not given come from `sample` of the class. Needs the extra `score`. Accessibility, dark mode and widths
need Chromium, spam points SpamAssassin; without them the check is skipped. No network is used.

exit status: 0 no check failed, 1 a check failed, 2 wrong usage or configuration
"""
_MARKS = {"pass": "ok", "warn": "warning", "fail": "FAILED", "skip": "skipped"}
_MOST = 12


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("template", metavar="TEMPLATE", help="a name of the catalog, or module:Class")
    command.add_argument("--set", action="append", default=[], type=pair, metavar="FIELD=VALUE", help="one field")
    command.add_argument("--data", metavar="FILE", help="a JSON file with fields; - reads standard input")
    command.add_argument("--brand", metavar="BRAND", help="a TOML or JSON file, or module:NAME")
    command.add_argument("--locale", default="", metavar="TAG", help="in this language, such as es or ne")
    command.add_argument("--no-browser", action="store_true", help="do not start Chromium")
    command.add_argument("--no-spam", action="store_true", help="do not run SpamAssassin")
    command.add_argument("--all", action="store_true", help="every detail, not the first ones")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=run)


def run(given: "Namespace") -> int:
    """Check a template and print the report."""
    from mailer.quality.score import score
    from mailer.templates.brand import Brand

    brand = brand_of(given.brand) or Brand(name="Example", website="https://example.com")
    message = composed(find(given.template), given, brand)
    found = score(message, brand, browser=not given.no_browser, spam=not given.no_spam)
    if given.json:
        as_json(_described(found))
    else:
        _show(found, most=None if given.all else _MOST)
    return 0 if found.ok else 1


def composed(kind: "type[EmailTemplate]", given: "Namespace", brand: "Brand") -> "Message":
    """The mail of a template with the fields that are given, and its sample's for the others."""
    from mailer.templates.compose import compose

    values = {**kind.sample, **fields_of(given.data), **dict(cast("list[tuple[str, str]]", given.set))}
    mail = fill(kind, values).localized(given.locale)
    return compose(mail, brand, to="reader@example.org", sender="no-reply@example.com")


def _show(found: "Score", *, most: int | None) -> None:
    for check in found.checks:
        table([(f"{_MARKS[check.state]:8}", f"{check.name}:", check.summary)])
        for detail in check.details[:most]:
            line(f"          - {detail}")
        if more := len(check.details[most:]) if most else 0:
            line(f"          - and {more} more; --all shows them")
    failed = [check.name for check in found.checks if check.state == "fail"]
    line()
    line(f"{found.template}: {', '.join(failed)} failed" if failed else f"{found.template}: no check failed")


def _described(found: "Score") -> dict[str, object]:
    checks = [
        {"name": one.name, "state": one.state, "summary": one.summary, "details": list(one.details)}
        for one in found.checks
    ]
    return {"template": found.template, "ok": found.ok, "checks": checks, "clients": found.clients}
