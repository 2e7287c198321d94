"""A template is a class: its fields are the variables, and the files beside it are the content.

Not for sending; see `mailer.mailer.Mailer`.
"""

import re
import sys
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

from pydantic import PrivateAttr

from mailer.errors import TemplateError
from mailer.locales import catalogues
from mailer.locales.zones import zone
from mailer.templates.fields import Fields
from mailer.templates.localization import ONE_LANGUAGE, Localization
from mailer.templates.secret import is_secret

# How long the content of a sent mail may be kept.
MAX_REDELIVERY = timedelta(days=14)
# What a template's files find besides its fields.
RESERVED = frozenset({"brand", "subject", "preheader", "lang", "locale", "other_language"})


class EmailTemplate(Fields):
    """Base class of every template.

    A subclass `OrderShipped` in `shop/mails.py` declares its fields and subject. Its files `order_shipped.txt` and
    `order_shipped.mjml` are beside it or in `folder`. Both are Jinja2 templates with the fields, `brand`, `subject`,
    `preheader`, `lang` and `locale` as variables. A field that is missing, misspelt or of the wrong type raises an
    error when the object is created. A variable that the class does not have raises an error when the template is
    rendered.

    Attributes:
        subject: Jinja2; line breaks become spaces.
        preheader: Jinja2; the text that inboxes show after the subject. Optional.
        lang: BCP 47 tag of the language that the files are written in.
        folder: The folder of the files. Default: the folder of the class's module.
        stem: The name of the files without suffix. Default: the class's name in snake case.
        locales: The folder of gettext catalogues. Default: `locales` in `folder`.
        sample: Values of the fields, for previews and pictures. Never sent.
        redelivery: For how long a mail of the outbox that is lost to a soft bounce may be sent again when the mailbox
            works. Not for templates with codes or links that grant access. Default: never.

    Example:
        >>> class OrderShipped(EmailTemplate):
        ...     subject = "Order {{ number }} is on its way"
        ...     number: int
        >>> OrderShipped.template_name()
        'order_shipped'
        >>> OrderShipped(nubmer=7)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        mailer.errors.TemplateFieldsInvalid: OrderShipped cannot be filled in: number: Field required; nubmer: Extra ...
    """

    subject: ClassVar[str] = ""
    preheader: ClassVar[str] = ""
    lang: ClassVar[str] = "en"
    folder: ClassVar[Path | None] = None
    stem: ClassVar[str] = ""
    locales: ClassVar[Path | None] = None
    sample: ClassVar[Mapping[str, object]] = {}
    redelivery: ClassVar[timedelta | None] = None

    # By a factory: pydantic makes a deep copy of a default for each object.
    _localization: Localization = PrivateAttr(default_factory=lambda: ONE_LANGUAGE)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        taken = sorted(RESERVED & cls.model_fields.keys())
        if taken:
            raise TemplateError(f"{cls.__name__} has a field named {', '.join(taken)}.", hint="Give it another name.")
        _check_redelivery(cls)

    @classmethod
    def template_name(cls) -> str:
        """The files' name without suffix: `OrderShipped` has `order_shipped`."""
        return cls.stem or _snake_case(cls.__name__)

    @classmethod
    def template_folder(cls) -> Path:
        """The folder that holds the files.

        Raises:
            TemplateError: The class's module is not a file, and it names no folder.
        """
        if cls.folder is not None:
            return Path(cls.folder)
        file = getattr(sys.modules.get(cls.__module__), "__file__", None)
        if not file:
            raise TemplateError(
                f"{cls.__name__} is not defined in a file, so its folder is unknown.", hint="Set `folder` on the class."
            )
        return Path(file).parent

    @classmethod
    def locales_folders(cls, own: tuple[Path, ...] = ()) -> tuple[Path, ...]:
        """The folders of gettext catalogues: those of the user's folders, which come first, and that of the class."""
        last = Path(cls.locales) if cls.locales is not None else cls.template_folder() / catalogues.FOLDER
        return (*(folder / catalogues.FOLDER for folder in own if folder.is_dir()), last)

    @property
    def localization(self) -> Localization:
        """The languages and the time zone that the mail was asked for."""
        return self._localization

    def localized(self, *preferred: str | None, timezone: str = "", second: str = "") -> Self:
        """A copy of the mail in a recipient's language.

        Args:
            *preferred: Language tags such as `es-MX`, the most wanted first. The first is used that the template is
                translated to, with or without its region. One that is unknown, malformed or None is skipped. If none
                is left, the mail is in the brand's language, else in the template's own.
            timezone: The IANA time zone that times are shown in. Default: the brand's.
            second: A second language, whose copy of the content follows below the first.

        Raises:
            TemplateError: There is no such time zone.

        Example:
            >>> from mailer.catalog import VerificationCode
            >>> mail = VerificationCode(code="424242").localized("es-MX", timezone="America/Mexico_City")
            >>> mail.localization.preferred
            ('es-MX',)
        """
        if timezone:
            zone(timezone)
        copy = self.model_copy()
        copy._localization = Localization(tuple(tag or "" for tag in preferred), second, timezone)  # noqa: SLF001 - our own
        return copy


def _check_redelivery(kind: type[EmailTemplate]) -> None:
    """Raise `TemplateError` if mail of a template must not be kept for a redelivery."""
    wanted = kind.redelivery
    if wanted is None:
        return
    if not timedelta(0) < wanted <= MAX_REDELIVERY:
        words = f"{kind.__name__}.redelivery is {wanted!r}."
        raise TemplateError(words, hint=f"Write a time above 0 and up to {MAX_REDELIVERY.days} days, or None.")
    if secrets := [name for name, field in kind.model_fields.items() if is_secret(field)]:
        words = (
            f"{kind.__name__} asks for redelivery, but has a code or a link that grants access: {', '.join(secrets)}."
        )
        raise TemplateError(words, hint="Remove `redelivery`: a code must not arrive days later.")


@cache
def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
