"""Sends a template of the gallery to the person who looks at it."""

from typing import TYPE_CHECKING

from mailer.address import Address
from mailer.errors import MailerError
from mailer.preview.views import sample_mail

if TYPE_CHECKING:
    from mailer.mailer import Mailer
    from mailer.preview.collection import Collection
    from mailer.preview.views import Choice


class Outgoing:
    """The mailer and the one recipient of a gallery.

    Args:
        mailer: What sends.
        to: The recipient's address.

    Raises:
        InvalidAddress: It is none.
    """

    def __init__(self, mailer: "Mailer", to: str) -> None:
        self._mailer, self._to = mailer, Address.parse(to)
        self.label = self._to.masked

    def send(self, collection: "Collection", name: str, choice: "Choice") -> str:
        """Send a template with its sample; return what became of it."""
        try:
            mail, _ = sample_mail(collection, name, choice)
            result = self._mailer.send(mail, to=self._to)
        except MailerError as error:
            return f"{error.message} {error.hint}".strip()
        (one,) = result.recipients
        return f"{one.status}: {one.reason}" if one.reason else f"{one.status}"
