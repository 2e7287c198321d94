"""How each mail is sent, and what the logger `security` records.

A mail is a row of the caller's transaction. The relay, `manage.py mailer_outbox`, sends it. So a page neither waits for
a mail server nor breaks with it.
"""

import logging
from typing import TYPE_CHECKING

from django.db import transaction

from mailer import MailerError, Status
from mailer.django import send

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

    from mailer import EmailTemplate, Message, SendResult

log = logging.getLogger("security")


def notify(user: "User", template: "Callable[[], EmailTemplate]", *, key: str = "") -> bool:
    """Write a mail to a user into the outbox. What goes wrong is logged, and never breaks the page.

    Args:
        user: The recipient.
        template: Creates the content, in the user's language and time zone.
        key: Names the event, so that its mail is written once.

    Returns:
        Whether the mail waits in the outbox.
    """
    try:
        # A savepoint: an error of the database in it leaves the caller's transaction whole.
        with transaction.atomic():
            result = send(template, to=user, idempotency_key=key or None)
    except Exception as error:  # noqa: BLE001 - whatever it is, the page has done its work
        words = str(error) if isinstance(error, MailerError) else type(error).__name__
        log.error("Mail to user %s was not written: %s", user.pk, words)  # noqa: TRY400 - a traceback has the content
        return False
    log.info("Mail %s to user %s was written", result.id, user.pk)
    return result.ok


def log_result(mail: "Message", result: "SendResult", **_: object) -> None:
    """Receive the signal `message_sent`: what became of a mail, for each recipient, with masked addresses."""
    for one in result:
        is_fine = one.ok or one.status is Status.SUPPRESSED
        level = logging.INFO if is_fine else logging.ERROR
        what = mail.template_name or "mail"
        log.log(level, "%s to %s: %s %s", what, one.address.masked, one.status.value, one.reason or one.message_id)
