"""A template is a class: its fields are the variables, and the files beside it are the content.

Not for sending; see `mailer.mailer.Mailer`.
"""

import re
import sys
from pathlib import Path
from typing import ClassVar

from mailer.errors import TemplateError
from mailer.templates.fields import Fields

# What a template's files find besides its fields.
RESERVED = frozenset({"brand", "subject", "preheader", "lang"})


class EmailTemplate(Fields):
    """Base class of every template.

    A subclass `OrderShipped` in `shop/mails.py` declares its fields and subject. Its files `order_shipped.txt` and
    `order_shipped.mjml` are beside it or in `folder`. Both are Jinja2 templates with the fields, `brand`, `subject`,
    `preheader` and `lang` as variables. A field that is missing, misspelt or of the wrong type raises an error when the
    object is created. A variable that the class does not have raises an error when the template is rendered.

    Attributes:
        subject: Jinja2; line breaks become spaces.
        preheader: Jinja2; the text that inboxes show after the subject. Optional.
        lang: BCP 47 language tag, for screen readers.
        folder: The folder of the files. Default: the folder of the class's module.
        stem: The name of the files without suffix. Default: the class's name in snake case.

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

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        taken = sorted(RESERVED & cls.model_fields.keys())
        if taken:
            raise TemplateError(f"{cls.__name__} has a field named {', '.join(taken)}.", hint="Give it another name.")

    @classmethod
    def template_name(cls) -> str:
        """The files' name without suffix: `OrderShipped` has `order_shipped`."""
        return cls.stem or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

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
