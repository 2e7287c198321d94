"""What the templates of the catalog have in common: their words, and the types of their fields."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from mailer.catalog.person import PersonName
from mailer.catalog.user_text import shown_excerpt, shown_title
from mailer.locales import catalogues
from mailer.redaction import Secret
from mailer.templates.base import EmailTemplate

# Letters and digits in one piece: phones offer such a code for filling in.
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{4,12}$"), AfterValidator(Secret)]
Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 60)]
Title = Annotated[str, BeforeValidator(shown_title)]
Excerpt = Annotated[str, BeforeValidator(shown_excerpt)]


class Ready(EmailTemplate):
    """A template of the catalog: its words are in the languages of mailstack."""

    locales: ClassVar[Path | None] = catalogues.OWN


class PersonTemplate(Ready):
    """A template that greets a person."""

    name: PersonName = ""
