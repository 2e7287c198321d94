"""A page of a brand's colours, for `mailer brand check --html`: each as mails show it, with its contrast."""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailer.templates.brand import Brand
    from mailer.templates.palette import Pairing

_HEADINGS = ("mode", "what", "as mails show it", "contrast", "as given", "contrast")
_STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem; background: #fff; color: #1f2937; }
table { border-collapse: collapse; margin-bottom: 2rem; } td, th { padding: .5rem 1rem; text-align: left; }
.sample { min-width: 14rem; border: 1px solid #9ca3af; font-weight: 600; }
"""


def page(brand: "Brand", found: "Iterable[Pairing]") -> str:
    """The page, complete; it loads nothing."""
    name = escape(brand.name or "Brand")
    rows = "".join(map(_row, found))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}: colours</title>\n'
        f"<style>{_STYLE}</style></head>\n<body><h1>{name}</h1>\n<table>"
        f"<tr>{''.join(f'<th>{heading}</th>' for heading in _HEADINGS)}</tr>\n{rows}</table></body></html>\n"
    )


def _row(pair: "Pairing") -> str:
    cells = (
        *(f"<td>{pair.mode}</td><td>{escape(pair.use)}</td>", _sample(pair.shown, pair), f"<td>{pair.ratio:.2f}</td>"),
        *(_sample(pair.given, pair), f"<td>{pair.was:.2f}</td>"),
    )
    return f"<tr>{''.join(cells)}</tr>\n"


def _sample(colour: str, pair: "Pairing") -> str:
    if pair.use.endswith("edge"):
        return f'<td class="sample" style="background:{pair.ground};border:4px solid {colour}">&nbsp;</td>'
    return f'<td class="sample" style="background:{pair.ground};color:{colour}">{colour} on {pair.ground}</td>'
