"""Whose mail it is: the name, logo, colours, addresses and links that every template shows. Values only."""

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from mailer.errors import TemplateError
from mailer.locales.zones import zone
from mailer.templates.colour import text_on
from mailer.templates.fields import Fields
from mailer.templates.folders import Folders
from mailer.templates.url import Url

if TYPE_CHECKING:
    from pathlib import Path

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
_MAX_LINKS = 8


class BrandLink(Fields):
    """A link in the footer, or a profile on a social network."""

    label: str = Field(min_length=1, max_length=40)
    url: Url
    icon: Url | None = Field(default=None, description="PNG, JPEG or GIF of 24 pixels; the label is its alt text.")


class DarkColours(Fields):
    """The colours in dark mode."""

    background: Colour = "#111318"
    card: Colour = "#1c1f26"
    text: Colour = "#f3f4f6"
    muted: Colour = "#a7afbd"
    accent: Colour | None = Field(default=None, description="Default: that of light mode.")


def _time_zone(name: str) -> str:
    try:
        zone(name)
    except TemplateError as error:
        raise ValueError(error.message) from None
    return name


class Brand(Fields):
    """What a mail looks like and who signs it. Give it to `Mailer(brand=...)`.

    A colour that cannot be read on its ground is corrected: text and links to a contrast of 4.5, the edge of buttons
    to 3 (WCAG 2.2). `mailer brand check` shows what was corrected.

    Example:
        >>> Brand(name="Example", accent="#ffd400").on_accent
        '#111827'
    """

    name: str = Field(default="", max_length=64, description="Default: the stack's domain.")
    website: Url | None = Field(default=None, description="Where the logo and the name lead.")
    logo: Url | None = Field(default=None, description="PNG, JPEG or GIF; mail clients do not show SVG.")
    logo_dark: Url | None = Field(default=None, description="The logo in dark mode. Default: `logo`.")
    logo_width: int = Field(default=120, ge=16, le=552, description="Pixels.")
    logo_text: str = Field(default="", max_length=64, description="Shown where images are off. Default: `name`.")
    accent: Colour = Field(default="#1d4ed8", description="Buttons and links.")
    text: Colour = "#1f2937"
    muted: Colour = Field(default="#5b6472", description="Footer and fine print.")
    background: Colour = "#f3f4f6"
    card: Colour = "#ffffff"
    dark: DarkColours = Field(default=DarkColours(), description="The colours in dark mode.")
    postal_address: str = Field(default="", max_length=200, description="Line breaks are kept.")
    support: Annotated[str, Field(pattern=r"^$|^[^@\s<>\"']+@[^@\s<>\"']+$")] = Field(
        default="", description="The address that people write to for help."
    )
    locale: str = Field(default="", description="The language of mails without another, such as es-MX.")
    timezone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="UTC", description="The IANA time zone of times."
    )
    links: tuple[BrandLink, ...] = Field(default=(), max_length=_MAX_LINKS, description="Links in the footer.")
    social: tuple[BrandLink, ...] = Field(default=(), max_length=_MAX_LINKS, description="Profiles, in the footer.")
    templates: Folders = Field(
        default=(),
        description="Folders with templates of your own; a file there replaces that of a built-in template by name.",
    )
    footer: str = Field(default="", max_length=500, description="Last lines of every mail, such as a register number.")

    @classmethod
    def from_file(cls, path: "str | Path") -> "Brand":
        """Read a brand from a TOML or JSON file.

        Args:
            path: A file with the fields, at its top level or in a table `[brand]`; or a `pyproject.toml` with a table
                `[tool.mailstack.brand]`.

        Raises:
            TemplateError: The file cannot be read, or has no brand.
            TemplateFieldsInvalid: A field is misspelt or wrong.
        """
        from mailer.templates.brand_file import read

        return cls.model_validate(read(path))

    @property
    def on_accent(self) -> str:
        """The colour of text on the accent: dark or white, whichever contrasts more (WCAG 2.2 §1.4.3)."""
        return text_on(self.accent)
