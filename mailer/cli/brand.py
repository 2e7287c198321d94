"""`mailer brand check`: a brand as mails show it, with what was corrected so that it can be read."""

from pathlib import Path
from typing import TYPE_CHECKING

from mailer.cli.data import brand_of
from mailer.cli.output import as_json, line, table
from mailer.cli.stack import add_stack_option, named_stack, outputs_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from mailer.templates.brand import Brand
    from mailer.templates.palette import Pairing

HELP = "check a brand: its values, and the contrast of its colours"
EXAMPLES = """\
examples:
  mailer brand check brand.toml
  mailer brand check shop.mails:BRAND --html brand.html
  mailer brand check --stack prod --json

A brand is a TOML or JSON file (also [tool.mailstack.brand] in pyproject.toml), an object of mailer.Brand, or the
stack's setting mailstack:brand. Mails correct a colour that cannot be read on its ground. This command shows which
ones, and the result: text needs a contrast of 4.5, the edge of a button 3 (WCAG 2.2).
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    actions = command.add_subparsers(metavar="check", required=True)
    check = actions.add_parser("check", help="show the brand as mails show it", description="Show a brand.")
    check.add_argument("brand", nargs="?", metavar="BRAND", help="a TOML or JSON file, or module:NAME")
    add_stack_option(check)
    check.add_argument("--json", action="store_true", help="as JSON")
    check.add_argument("--html", type=Path, metavar="FILE", help="write a page with the colours, too")


def run(given: "Namespace") -> int:
    """Show a brand."""
    from mailer.templates.palette import pairings

    brand = brand_of(given.brand) or _of_stack(given)
    found, notes = list(pairings(brand)), list(_notes(brand))
    if given.html:
        from mailer.cli.brand_page import page

        Path(given.html).write_text(page(brand, found), encoding="utf-8")
    if given.json:
        as_json({"brand": brand.model_dump(mode="json"), "colours": list(map(_described, found)), "notes": notes})
        return 0
    _show_values(brand)
    _show_colours(found)
    for note in notes:
        line(f"note: {note}")
    return 0


def _of_stack(given: "Namespace") -> "Brand":
    """The brand that mails of the named stack have; the plain one where none is named."""
    import os

    from mailer.sending.parts import default_brand
    from mailer.stack import VARIABLE
    from mailer.templates.brand import Brand

    if named_stack(given) or os.environ.get(VARIABLE, "").strip():
        return default_brand(outputs_of(given))
    return Brand(name="example.com")


def _show_values(brand: "Brand") -> None:
    values = brand.model_dump(mode="json", exclude={"links", "social", "dark"})
    table((name, str(value).replace("\n", " / ")) for name, value in values.items() if value not in ("", None, []))
    table((f"{kind}  {one.label}", one.url) for kind in ("links", "social") for one in getattr(brand, kind))
    line()


def _show_colours(found: "list[Pairing]") -> None:
    rows = [("mode", "what", "given", "contrast", "shown", "on", "contrast", "needed", "")]
    rows += [
        (
            *(pair.mode, pair.use, pair.given, f"{pair.was:.2f}", pair.shown, pair.ground, f"{pair.ratio:.2f}"),
            *(f"{pair.needed:.1f}", "corrected" if pair.given != pair.shown else ""),
        )
        for pair in found
    ]
    table(rows)
    line()


def _described(pair: "Pairing") -> dict[str, object]:
    return {
        "mode": pair.mode,
        "use": pair.use,
        "given": pair.given,
        "given_contrast": round(pair.was, 2),
        "shown": pair.shown,
        "on": pair.ground,
        "contrast": round(pair.ratio, 2),
        "needed": pair.needed,
        "corrected": pair.given != pair.shown,
    }


def _notes(brand: "Brand") -> "Iterator[str]":
    """What a brand lacks."""
    if not brand.name:
        yield "name is empty: mails show the stack's domain."
    if not brand.postal_address:
        yield "postal_address is empty: the law of many countries requires it in commercial mail (CAN-SPAM, for one)."
    if not brand.support:
        yield "support is empty: readers do not learn whom to ask."
    if brand.logo and not brand.logo_dark:
        yield "logo_dark is empty: dark mode shows `logo` on the dark background."
    for name, url in _urls(brand):
        if not url.startswith("https://"):
            yield f"{name} is not https: mail clients that load images through a proxy may refuse it."


def _urls(brand: "Brand") -> "Iterator[tuple[str, str]]":
    for name in ("website", "logo", "logo_dark"):
        if url := getattr(brand, name):
            yield name, url
    for one in (*brand.links, *brand.social):
        yield f"the link {one.label}", one.url
        if one.icon:
            yield f"the icon of {one.label}", one.icon
