"""The files that suppressions are imported from: how each is recognised, and what its columns mean.

Names of columns are compared in lower case, without anything but letters and digits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mailer.stores.base import REASONS, Reason

Row = Mapping[str, str]
COLUMNS = ("address", "reason", "detail", "created_at", "expires_at", "scope", "actor", "message_id", "feedback_id")


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file.

    Attributes:
        name: The value of `--from`.
        columns: The columns that tell it from others.
        address: The column of the address.
        reason: The reason of a row.
        time: The column of the time.
        moment: Reads the time.
        details: The columns of the evidence.
    """

    name: str
    columns: frozenset[str]
    address: str
    reason: Callable[[Row], Reason]
    time: str
    moment: Callable[[str], datetime]
    details: tuple[str, ...] = ()


def plain(name: str) -> str:
    """The name of a column as it is compared."""
    return "".join(filter(str.isalnum, name.lower()))


def iso(text: str) -> datetime:
    """ISO 8601; without a time zone, UTC."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def epoch(text: str) -> datetime:
    """Seconds since 1970; ISO 8601 in files that people saved from a spreadsheet."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return iso(text)


def rfc2822(text: str) -> datetime:
    """A date of a mail; ISO 8601, too."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return iso(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def always(reason: Reason) -> Callable[[Row], Reason]:
    """A list that has one reason."""
    return lambda _: reason


_OWN: dict[str, Reason] = {reason: reason for reason in REASONS}


def _own(row: Row) -> Reason:
    text = row.get("reason", "").strip() or "manual"
    found = _OWN.get(text)
    if found is None:
        raise ValueError(f"the reason {text[:40]!r} is none of {', '.join(REASONS)}")
    return found


_POSTMARK: dict[str, Reason] = {"hardbounce": "bounce", "spamcomplaint": "complaint", "manualsuppression": "manual"}


def _postmark(row: Row) -> Reason:
    """A manual suppression whose origin is the recipient is an unsubscribe."""
    reason = _POSTMARK.get(plain(row["suppressionreason"]))
    if reason is None:
        raise ValueError(f"the reason {row['suppressionreason'][:40]!r} is unknown")
    return "unsubscribe" if reason == "manual" and plain(row.get("origin", "")) == "recipient" else reason


def _columns(*names: str) -> frozenset[str]:
    return frozenset(map(plain, names))


# Tried in this order: those with more columns of their own first. SendGrid's blocks have the columns of its bounces and
# suppress nobody there, so they must not be imported. Mailchimp documents no columns; these are those of its files.
FORMATS: tuple[Format, ...] = (
    # https://postmarkapp.com/developer/api/suppressions-api
    Format(
        "postmark",
        _columns("EmailAddress", "SuppressionReason"),
        "emailaddress",
        _postmark,
        "createdat",
        iso,
        ("origin",),
    ),
    # https://mailchimp.com/help/view-export-contacts/ : three files; the one of subscribed contacts suppresses nobody.
    Format(
        "mailchimp-cleaned",
        _columns("Email Address", "CLEAN_TIME"),
        "emailaddress",
        always("bounce"),
        "cleantime",
        iso,
        ("cleancampaigntitle",),
    ),
    Format(
        "mailchimp-unsubscribed",
        _columns("Email Address", "UNSUB_TIME"),
        "emailaddress",
        always("unsubscribe"),
        "unsubtime",
        iso,
        ("unsubreason",),
    ),
    # https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/bounces
    Format(
        "mailgun-bounces",
        _columns("address", "code", "error"),
        "address",
        always("bounce"),
        "createdat",
        rfc2822,
        ("code", "error"),
    ),
    # …/unsubscribes and …/complaints
    Format(
        "mailgun-unsubscribes",
        _columns("address", "tags"),
        "address",
        always("unsubscribe"),
        "createdat",
        rfc2822,
        ("tags",),
    ),
    Format("mailstack", _columns("address", "reason"), "address", _own, "createdat", iso, ("detail",)),
    Format(
        "mailgun-complaints", _columns("address", "created_at"), "address", always("complaint"), "createdat", rfc2822
    ),
    # https://www.twilio.com/docs/sendgrid/api-reference/bounces-api/retrieve-all-bounces
    Format(
        "sendgrid-bounces",
        _columns("email", "reason", "status", "created"),
        "email",
        always("bounce"),
        "created",
        epoch,
        ("status", "reason"),
    ),
    # …/invalid-e-mails-api, …/spam-reports-api and …/suppressions-global-suppressions
    Format(
        "sendgrid-invalid",
        _columns("email", "reason", "created"),
        "email",
        always("bounce"),
        "created",
        epoch,
        ("reason",),
    ),
    Format("sendgrid-spam-reports", _columns("email", "ip", "created"), "email", always("complaint"), "created", epoch),
    Format("sendgrid-unsubscribes", _columns("email", "created"), "email", always("unsubscribe"), "created", epoch),
)
NAMES = tuple(one.name for one in FORMATS)
