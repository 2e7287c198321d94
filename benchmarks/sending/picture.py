"""The comparison as a picture: horizontal bars, SVG without scripts or fonts, for light and dark pages."""

from collections.abc import Mapping
from html import escape

_WIDTH, _LEFT, _RIGHT, _TOP, _STEP, _BAR = 760, 236, 84, 64, 34, 20
# WCAG 2.2 §1.4.3 and §1.4.11: text has a contrast of 4.5 at least, bars of 3, in both schemes.
_STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de } .gap { fill: #ffffff }
  .text { fill: #1f2328 } .soft { fill: #59636e }
  .bar { fill: #8c959f } .ours { fill: #0969da } .line { stroke: #59636e; stroke-dasharray: 3 3 }
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
  .title { font-size: 16px; font-weight: 600 } .value { font-variant-numeric: tabular-nums }
  .value { paint-order: stroke; stroke: #ffffff; stroke-width: 8px }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d } .gap { fill: #0d1117 }
    .text { fill: #f0f6fc } .soft { fill: #9198a1 }
    .bar { fill: #656c76 } .ours { fill: #4493f8 } .line { stroke: #9198a1 }
    .value { stroke: #0d1117 }
  }
"""


def alternative(title: str, values: Mapping[str, float]) -> str:
    """The picture in words."""
    return f"{title}: " + "; ".join(f"{name} {_shown(value)}" for name, value in values.items()) + "."


def bars(title: str, values: Mapping[str, float], *, ours: str, cut: float) -> str:
    """An SVG with a bar for each value, and a line at 1.

    Args:
        title: What the values are.
        values: By name, in the order they are drawn.
        ours: Names that begin so have the accent's colour.
        cut: Bars of larger values end here, with a gap in them and their number.
    """
    scale = (_WIDTH - _LEFT - _RIGHT) / min(max(values.values()), cut)
    height = _TOP + _STEP * len(values) + 20
    one = _LEFT + scale
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    drawn = [_bar(i, name, value, scale, ours=ours, cut=cut) for i, (name, value) in enumerate(values.items())]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" {size}>',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(alternative(title, values))}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="page" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="8"/>',
            f'<text class="text title" x="20" y="32">{escape(title)}</text>',
            f'<line class="line" x1="{one:.1f}" x2="{one:.1f}" y1="{_TOP - 10}" y2="{height - 16}"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _bar(index: int, name: str, value: float, scale: float, *, ours: str, cut: float) -> str:
    top, width = _TOP + _STEP * index, scale * min(value, cut)
    middle = top + _BAR / 2 + 4.5
    kind = "ours" if name.startswith(ours) else "bar"
    bar = f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="3"/>'
    x = _LEFT + width - 34
    gap = f'<path class="gap" d="M{x:.1f} {top + _BAR + 1}l8 -{_BAR + 2}h6l-8 {_BAR + 2}z"/>'
    return "\n".join(
        [
            f'<text class="text" x="{_LEFT - 12}" y="{middle}" text-anchor="end">{escape(name)}</text>',
            bar + (gap if value > cut else ""),
            f'<text class="soft value" x="{_LEFT + width + 8:.1f}" y="{middle}">{_shown(value)}</text>',
        ]
    )


def _shown(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
