"""What became of each mail: its time goes into the database, its result into the log of its kind."""

import logging
from typing import TYPE_CHECKING

from django.db import close_old_connections

from mailer import SendHook, SendResult

if TYPE_CHECKING:
    from mailer import Message

candidates, authentication = logging.getLogger("candidates.emails"), logging.getLogger("authentication.emails")


class RecordHook(SendHook):
    """Records each mail of a template. A mail with several recipients has the status of the first."""

    def after_send(self, message: "Message", result: "SendResult | BaseException", seconds: float) -> None:
        """Write a row and a line. It may be called in a thread that Django does not know."""
        name = message.template_name
        if not name:  # mail of Django, such as about an error
            return
        log = candidates if name.startswith("submission") else authentication
        if isinstance(result, SendResult):
            status = str(next(iter(result)).status)
            log.log(logging.INFO if result.ok else logging.ERROR, "%s: %s (%s)", name, status, result.id)
        else:
            status = type(result).__name__
            log.error("%s: %s", name, status)
        _write(name, status, seconds)


def _write(name: str, status: str, seconds: float) -> None:
    from .models import SentMail  # which are loaded after the settings that name the hook

    close_old_connections()
    SentMail.objects.create(template=name, status=status, seconds=seconds)
    close_old_connections()
