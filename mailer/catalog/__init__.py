"""Templates that are ready to use: a pydantic class and its files each."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints

from mailer.catalog.person import PersonName
from mailer.redaction import Secret
from mailer.templates.base import EmailTemplate
from mailer.templates.secret import SecretUrl
from mailer.templates.url import Url

__all__ = ["TEMPLATES", "PasswordReset", "VerificationCode", "Welcome"]

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{4,12}$"), AfterValidator(Secret)]
Minutes = Annotated[int, Field(ge=1, le=24 * 60)]


class Welcome(EmailTemplate):
    """A welcome mail for a new account."""

    subject: ClassVar[str] = "Welcome to {{ brand.name }}"
    preheader: ClassVar[str] = "Your account is ready{% if name %}, {{ name }}{% endif %}."

    name: PersonName = ""
    dashboard_url: Url


class VerificationCode(EmailTemplate):
    """A one-time code. The code comes first in the subject, so that a locked phone shows it."""

    subject: ClassVar[str] = "{{ code }} is your {{ brand.name }} code"
    preheader: ClassVar[str] = "Share it with nobody, whoever asks."

    code: Code
    expires_in_minutes: Minutes = 10


class PasswordReset(EmailTemplate):
    """A link to reset a password."""

    subject: ClassVar[str] = "Choose a new {{ brand.name }} password"
    preheader: ClassVar[str] = "If it was not you who asked, nothing happens."

    name: PersonName = ""
    reset_url: SecretUrl
    expires_in_minutes: Minutes = 60


TEMPLATES: tuple[type[EmailTemplate], ...] = (PasswordReset, VerificationCode, Welcome)
