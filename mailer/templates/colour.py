"""Colours and their contrast by WCAG 2.2: measures it, and corrects a colour that cannot be read. Not for brands."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# WCAG 2.2 §1.4.3 (text) and §1.4.11 (the edge of a button): https://www.w3.org/TR/WCAG22/#contrast-minimum
TEXT_CONTRAST, EDGE_CONTRAST = 4.5, 3.0
# "Relative luminance": https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
_WEIGHTS = (0.2126, 0.7152, 0.0722)
_LINEAR_BELOW = 0.04045
_BLACK, _WHITE = "#000000", "#ffffff"
# Text on a button, as _WHITE or this; black where neither can be read, on a middle grey for example.
_INK = "#111827"
# Of the way to black or white in one step; finer than the eye sees.
_STEPS = 64
# What a computed colour has to spare, so that another program's rounding does not call it too low.
_MARGIN = 0.02


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21; text needs 4.5.

    Example:
        >>> round(contrast("#000000", "#ffffff"))
        21
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=4096)
def luminance(colour: str) -> float:
    """How bright a colour is, 0 to 1."""
    channels = (channel / 255 for channel in _channels(colour))
    linear = (c / 12.92 if c <= _LINEAR_BELOW else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return sum(weight * channel for weight, channel in zip(_WEIGHTS, linear, strict=True))


def readable(colour: str, grounds: "Sequence[str]", ratio: float = TEXT_CONTRAST) -> str:
    """The colour itself if it contrasts enough with every ground, else the nearest shade or tint that does.

    Where none does, for the grounds are far apart, the result is black or white, whichever contrasts more.

    Args:
        colour: `#rrggbb`, as the other colours.
        grounds: What the colour is shown on.
        ratio: The least contrast.

    Example:
        >>> readable("#1d4ed8", ["#ffffff"]), readable("#ffd400", ["#ffffff"]), readable("#000000", ["#1c1f26"])
        ('#1d4ed8', '#8b7400', '#878787')
    """
    if _least(colour, grounds) >= ratio:
        return colour
    for candidate in _shades_and_tints(colour):
        if _least(candidate, grounds) >= ratio + _MARGIN:
            return candidate
    return max((_BLACK, _WHITE), key=lambda one: _least(one, grounds))


def _least(colour: str, grounds: "Sequence[str]") -> float:
    return min(contrast(colour, ground) for ground in grounds)


def _shades_and_tints(colour: str) -> "Iterator[str]":
    """The colour mixed with more and more black, and white."""
    channels = _channels(colour)
    for step in range(1, _STEPS + 1):
        for end in (0, 255):
            yield "#" + "".join(f"{round(one + (end - one) * step / _STEPS):02x}" for one in channels)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def text_on(ground: str) -> str:
    """The colour of text on a ground: white or nearly black, whichever contrasts more; black where neither suffices.

    Example:
        >>> text_on("#1d4ed8"), text_on("#ffd400"), text_on("#757575")
        ('#ffffff', '#111827', '#ffffff')
    """
    best = max((_WHITE, _INK), key=lambda colour: contrast(colour, ground))
    return best if contrast(best, ground) >= TEXT_CONTRAST else max((_WHITE, _BLACK), key=lambda c: contrast(c, ground))
