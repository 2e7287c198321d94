"""Whose mail it is: the name, colours and addresses that every template shows. Values only."""

from typing import Annotated

from pydantic import Field

from mailer.templates.fields import Fields
from mailer.templates.url import Url

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]

# WCAG 2.2, "relative luminance" and "contrast ratio": https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
_WEIGHTS = (0.2126, 0.7152, 0.0722)


class Brand(Fields):
    """What a mail looks like and who signs it. Give it to `Mailer(brand=...)`.

    Example:
        >>> Brand(name="Example", accent="#ffd400").on_accent
        '#111827'
    """

    name: str = Field(default="", max_length=64, description="Default: the stack's domain.")
    website: Url | None = Field(default=None, description="Where the logo and the name lead.")
    logo: Url | None = Field(default=None, description="PNG, JPEG or GIF; mail clients do not show SVG.")
    logo_width: int = Field(default=120, ge=16, le=552, description="Pixels.")
    accent: Colour = Field(default="#1d4ed8", description="Buttons and links.")
    text: Colour = "#1f2937"
    muted: Colour = Field(default="#5b6472", description="Footer and fine print.")
    background: Colour = "#f3f4f6"
    card: Colour = "#ffffff"
    postal_address: str = Field(default="", max_length=200)
    support: Annotated[str, Field(pattern=r"^$|^[^@\s<>\"']+@[^@\s<>\"']+$")] = Field(
        default="", description="The address that people write to for help."
    )

    @property
    def on_accent(self) -> str:
        """The colour of text on the accent: dark or white, whichever contrasts more (WCAG 2.2 §1.4.3)."""
        return max(("#ffffff", "#111827"), key=lambda colour: contrast(colour, self.accent))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21; text needs 4.5.

    Example:
        >>> round(contrast("#000000", "#ffffff"))
        21
    """
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)  # noqa: PLR2004
    return sum(weight * channel for weight, channel in zip(_WEIGHTS, linear, strict=True))
