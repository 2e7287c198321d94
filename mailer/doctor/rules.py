"""Whether mail meets the sender rules of the large mailbox providers: one verdict from many checks.

Gmail: https://support.google.com/a/answer/81126. Yahoo: https://senders.yahooinc.com/best-practices/. Outlook.com:
https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/4399730. They ask for SPF, DKIM,
DMARC with an aligned domain, and few complaints. SES encrypts the connection and writes valid headers.
"""

from typing import TYPE_CHECKING, NamedTuple

from mailer.doctor.check import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailer.doctor.check import Result

PROVIDERS = "Gmail, Yahoo and Outlook.com"
_NEEDED = ("identity", "dkim", "mail-from", "dkim-records", "spf-record", "dmarc-record", "reputation")


class Rules(NamedTuple):
    """The verdict.

    Attributes:
        met: Whether all rules are met; None if that is not known.
        open: The checks that failed, or did not get an answer.
    """

    met: bool | None
    open: tuple[str, ...]


def judged(results: "Iterable[Result]") -> Rules:
    """The verdict of these results. A check that was not made, or got no answer, leaves it unknown."""
    found = {result.check.name: result.verdict for result in results}
    bad = tuple(name for name in _NEEDED if found.get(name) in {Verdict.FAILED, Verdict.WARNING})
    if bad:
        return Rules(met=False, open=bad)
    unknown = tuple(name for name in _NEEDED if found.get(name) is not Verdict.OK)
    return Rules(met=None, open=unknown) if unknown else Rules(met=True, open=())
