"""The colours that a mail is made of, for light and for dark mode: a brand's own, corrected until they can be read."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from mailer.templates.colour import EDGE_CONTRAST, TEXT_CONTRAST, contrast, readable, text_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.templates.brand import Brand


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one mode. Templates see the light ones as `brand.text`, the dark ones as `brand.dark.text`.

    Attributes:
        background: Behind the card.
        card: Behind the content.
        text: Text on the card.
        muted: Fine print on the card.
        link: Links on the card.
        accent: The ground of buttons.
        on_accent: Text on a button.
        edge: The border of a button; it contrasts with the card where the accent does not.
        page_text: Text on the background: the name above the card.
        page_muted: Fine print and links on the background: the footer.
    """

    background: str
    card: str
    text: str
    muted: str
    link: str
    accent: str
    on_accent: str
    edge: str
    page_text: str
    page_muted: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two colours of a mail that must contrast: what was given, what is shown, and how well it can be read."""

    mode: str
    use: str
    given: str
    shown: str
    ground: str
    needed: float

    @property
    def was(self) -> float:
        """The contrast of the colour that was given."""
        return contrast(self.given, self.ground)

    @property
    def ratio(self) -> float:
        """The contrast of the colour that is shown."""
        return contrast(self.shown, self.ground)


def light(brand: "Brand") -> Palette:
    """A brand's colours in light mode."""
    return _light_and_dark(brand)[0]  # pyright: ignore[reportArgumentType] - pydantic gives a frozen model its hash


def dark(brand: "Brand") -> Palette:
    """A brand's colours in dark mode."""
    return _light_and_dark(brand)[1]  # pyright: ignore[reportArgumentType]


@lru_cache(maxsize=64)
def _light_and_dark(brand: "Brand") -> tuple[Palette, Palette]:
    own = brand.dark
    return (
        _palette(brand.background, brand.card, brand.text, brand.muted, brand.accent),
        _palette(own.background, own.card, own.text, own.muted, own.accent or brand.accent),
    )


def _palette(background: str, card: str, text: str, muted: str, accent: str) -> Palette:
    return Palette(
        background=background,
        card=card,
        text=readable(text, [card]),
        muted=readable(muted, [card]),
        link=readable(accent, [card]),
        accent=accent,
        on_accent=text_on(accent),
        edge=readable(accent, [card], EDGE_CONTRAST),
        page_text=readable(text, [background]),
        page_muted=readable(muted, [background]),
    )


def pairings(brand: "Brand") -> "Iterator[Pairing]":
    """Each two colours that a mail of the brand shows one on the other."""
    own = brand.dark
    given = {"text": brand.text, "muted": brand.muted, "accent": brand.accent}
    given_dark = {"text": own.text, "muted": own.muted, "accent": own.accent or brand.accent}
    for mode, colours, palette in (("light", given, light(brand)), ("dark", given_dark, dark(brand))):
        for use, source, shown, ground, needed in (
            ("text", "text", palette.text, palette.card, TEXT_CONTRAST),
            ("fine print", "muted", palette.muted, palette.card, TEXT_CONTRAST),
            ("links", "accent", palette.link, palette.card, TEXT_CONTRAST),
            ("button's text", "", palette.on_accent, palette.accent, TEXT_CONTRAST),
            ("button's edge", "accent", palette.edge, palette.card, EDGE_CONTRAST),
            ("name", "text", palette.page_text, palette.background, TEXT_CONTRAST),
            ("footer", "muted", palette.page_muted, palette.background, TEXT_CONTRAST),
        ):
            yield Pairing(mode, use, colours.get(source, shown), shown, ground, needed)
