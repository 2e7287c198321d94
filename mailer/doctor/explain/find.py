"""Finds what a text means, most telling first. Not for printing."""

from typing import TYPE_CHECKING

from mailer.doctor.explain import aws, dns, microsoft, ours, smtp

if TYPE_CHECKING:
    from mailer.doctor.explain.explanation import Explanation

# Of a text; what is longer is a whole log.
MAX_CHARACTERS = 10_000
_MOST = 3
# A service's own words tell more than the name of our error that carries them.
_READERS = (microsoft.explain, aws.explain, smtp.explain, dns.explain, ours.explain)


def explain(text: str) -> "list[Explanation]":
    """Explanations of a text, at most three; none if it is not known.

    Args:
        text: Verbatim, as a log, a bounce or a traceback has it.
    """
    text = text[:MAX_CHARACTERS]
    found: dict[tuple[str, str, str], Explanation] = {}
    for one in (one for reader in _READERS for one in reader(text)):
        # SES says the same over HTTP and over SMTP: one of the two is enough.
        found.setdefault((one.source, one.error, "" if one.error else one.cause), one)
    # Our error's name beside the reply that it carries says nothing more.
    telling = [one for one in found.values() if one.source != ours.SOURCE]
    return (telling or list(found.values()))[:_MOST]
