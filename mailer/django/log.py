"""A logging handler that mails errors to the administrators. docs/guides/django.md has a `LOGGING` with it.

Django's own handler mails every error: an outage becomes thousands of mails, and an error of sending mail sends mail.
"""

import logging
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.log import AdminEmailHandler as _DjangoHandler

from mailer.django.backend import EmailBackend

if TYPE_CHECKING:
    from collections.abc import Callable

# Loggers whose records are about sending mail.
_OWN = ("mailer", "django.core.mail")


class AdminEmailHandler(_DjangoHandler):
    """Mails records to `ADMINS` through the stack, whichever backend the project has, a limited number an hour.

    Mail is sent at once, not on commit: the transaction of a failed request is rolled back. Records of this library
    are not mailed, and a mail that cannot be sent is not an error of the request.

    Args:
        limit: How many mails an hour at most, for each process. The first mail of the next hour says how many records
            were left out.
        stream: The stream of the mails. Default: that of the setting `MAILSTACK`.
        include_html: See Django's handler.
        reporter_class: See Django's handler.
        clock: Seconds.

    Example:
        >>> AdminEmailHandler(limit=20).limit
        20
    """

    def __init__(
        self,
        limit: int = 10,
        stream: str = "",
        *,
        include_html: bool = False,
        reporter_class: str | None = None,
        clock: "Callable[[], float]" = monotonic,
    ) -> None:
        base: Any = super()
        base.__init__(include_html=include_html, reporter_class=reporter_class)
        self.limit = limit
        self._stream, self._clock, self._hour = stream, clock, _Hour()
        self._guard = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out records about sending mail, and all where nobody would get them."""
        own = any(record.name == name or record.name.startswith(f"{name}.") for name in _OWN)
        return False if own or not settings.ADMINS else super().filter(record)

    def send_mail(self, subject: str, message: str, *_: Any, **kwargs: Any) -> None:
        """Send one record, if the hour's limit allows it."""
        with self._guard:
            allowed, omitted = self._hour.take(self._clock(), self.limit)
        if not allowed:
            return
        to = [entry if isinstance(entry, str) else entry[-1] for entry in settings.ADMINS]
        if omitted:
            message = f"{omitted} more records were not mailed in the hour before: see the log.\n\n{message}"
        email = EmailMultiAlternatives(f"{settings.EMAIL_SUBJECT_PREFIX}{subject}", message, settings.SERVER_EMAIL, to)
        if html := kwargs.get("html_message"):
            email.attach_alternative(str(html), "text/html")
        try:
            EmailBackend(stream=self._stream, on_commit=False, fail_silently=True).send_messages([email])
        except Exception as error:  # noqa: BLE001 - what is logged must not break what logs
            logging.getLogger("mailer").warning("An error mail was not sent: %s", type(error).__name__)


class _Hour:
    """How many mails were sent in an hour, and how many were not."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._sent = self._omitted = 0

    def take(self, now: float, limit: int) -> tuple[bool, int]:
        """Whether one more may be sent; how many were left out before it."""
        if self._begun is None or now - self._begun >= 3600:  # noqa: PLR2004 - seconds of an hour
            omitted, self._begun, self._sent, self._omitted = self._omitted, now, 1, 0
            return True, omitted
        if self._sent < limit:
            self._sent += 1
            return True, 0
        self._omitted += 1
        return False, 0
