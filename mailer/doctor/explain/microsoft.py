"""Texts of Entra ID and Microsoft Graph. Those of Exchange over SMTP: `mailer.doctor.explain.smtp`."""

import re
from typing import TYPE_CHECKING

from mailer.doctor.explain.explanation import Explanation
from mailer.transports.graph import LIMITS_REACHED, REPLIES
from mailer.transports.microsoft365 import ENTRA

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE, _PAGE = "Microsoft 365", "docs/guides/microsoft365.md"
_ENTRA_PAGE = f"{_PAGE}#entra-id-refuses-the-application"


def explain(text: str) -> "Iterator[Explanation]":
    """What the text means if it is Microsoft's."""
    for code in re.findall(r"\bAADSTS(\d+)", text)[:1]:
        known = ENTRA.get(int(code), "")
        cause, _, remedy = known.partition(": ")
        cause = f"{cause.rstrip('.')}." if cause else "Entra ID refuses the application."
        remedy = (
            f"{remedy[:1].upper()}{remedy[1:]}" or "Read the words after the code; check tenant, client id and secret."
        )
        yield Explanation(SOURCE, "CredentialsInvalid", cause, remedy, ("mailer microsoft365 setup",), _ENTRA_PAGE)
    for name in re.findall(r"\bError[A-Z]\w+", text)[:1]:
        page = f"{_PAGE}#microsoft-graph"
        if name in LIMITS_REACHED:
            cause = "The mailbox has used up its sending limit."
            yield Explanation(SOURCE, "QuotaExceeded", cause, "Wait.", (), f"{_PAGE}#sending-limits")
        elif row := next((row for row in REPLIES if row.code == name), None):
            yield Explanation(SOURCE, row.error.__name__, row.cause, row.hint, (), page)
        elif name == "ErrorAccessDenied":
            row = next(row for row in REPLIES if row.status == 403 and not row.code)  # noqa: PLR2004 - RFC 9110 §15.5.4
            yield Explanation(SOURCE, row.error.__name__, row.cause, row.hint, (), page)
