"""How a traced message is shown: as JSON, as a heading with a timeline, and as a page that loads nothing."""

from html import escape
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from mailer.feedback.wording import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailer.sending.outcome import MessageOutcome
    from mailer.stores.messages import LogEntry

_OUTCOMES = {
    "unknown": "it is not known whether Amazon SES accepted it",
    "not_accepted": "Amazon SES did not accept it",
    "suppressed": "not sent, the address is on the suppression list",
    "sent": "accepted by Amazon SES, no report yet",
    "delayed": "delayed, Amazon SES keeps trying",
    "rejected": "rejected by Amazon SES",
    "complained": "delivered, and the recipient complained",
}
# No script, no font, no picture: a browser asks no other server for anything.
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Mail trace</title>
<style>body{{font:16px system-ui;margin:2rem;max-width:70rem}}table{{border-collapse:collapse;width:100%}}
th,td{{text-align:left;vertical-align:top;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #ddd}}
td{{overflow-wrap:anywhere}}time,small{{color:#555;white-space:nowrap}}h2{{font-size:1.1rem;margin-top:2.5rem;overflow-wrap:anywhere}}</style>
<h1>Mail trace</h1><p>{searched}. Times are in UTC.</p>
{messages}</html>
"""


class Row(TypedDict):
    """One entry of a timeline."""

    at: str
    recipient: str
    kind: str
    code: str
    what: str


class TracedMessage(TypedDict):
    """One message with its timeline, as `mailer trace --json` prints it."""

    id: str
    message_id: str
    template: str
    configuration_set: str
    tags: dict[str, str]
    state: str
    outcome: str
    timeline: list[Row]


class Trace(NamedTuple):
    """One message.

    Attributes:
        entries: Its entries, or those of the address that was asked for.
        outcome: What they come to; None for a message that another program sent, and for one that is too old.
    """

    entries: "Sequence[LogEntry]"
    outcome: "MessageOutcome | None"


def traced(trace: Trace, shown: "Callable[[str], str]") -> TracedMessage:
    """A message as it is shown.

    Args:
        trace: The message.
        shown: Writes an address, masked or not.
    """
    first = trace.entries[0] if trace.entries else None
    return {
        "id": trace.outcome.id if trace.outcome else next((entry.id for entry in trace.entries if entry.id), ""),
        "message_id": next((entry.message_id for entry in trace.entries if entry.message_id), ""),
        "template": first.template if first else "",
        "configuration_set": first.configuration_set if first else "",
        "tags": dict(first.tags) if first else {},
        "state": str(trace.outcome.state) if trace.outcome else "",
        "outcome": _in_words(trace.outcome) if trace.outcome else "",
        "timeline": [_row(entry, shown) for entry in trace.entries],
    }


def heading(message: TracedMessage) -> str:
    """The line above a message's timeline."""
    facts = (
        f"Message {message['id'] or message['message_id']}",
        f"SES id {message['message_id']}" if message["id"] and message["message_id"] else "",
        f"template {message['template']}" if message["template"] else "",
        f"configuration set {message['configuration_set']}" if message["configuration_set"] else "",
        *(f"{name}={value}" for name, value in message["tags"].items()),
    )
    outcome = f": {message['outcome']}" if message["outcome"] else ""
    return f"{', '.join(fact for fact in facts if fact)}{outcome}"


def page(messages: "Sequence[TracedMessage]", searched: str) -> str:
    """The messages as an HTML page. Every text in it is escaped: remote servers wrote some of them."""
    shown = "\n".join(map(_section, messages)) or "<p>The message log has nothing about it in this time.</p>"
    return _PAGE.format(searched=escape(searched), messages=shown)


def _section(message: TracedMessage) -> str:
    rows = "\n".join(
        f"<tr><td><time>{escape(row['at'])}</time><td>{escape(row['recipient'])}<td>{escape(row['what'])}"
        for row in message["timeline"]
    )
    table = f"<table><tr><th>Time<th>Recipient<th>What happened\n{rows}</table>" if rows else ""
    return f"<h2>{escape(heading(message))}</h2>\n{table}"


def _row(entry: "LogEntry", shown: "Callable[[str], str]") -> Row:
    return {
        "at": f"{entry.at:%Y-%m-%d %H:%M:%S}",
        "recipient": shown(entry.recipient) if entry.recipient else "",
        "kind": entry.kind,
        "code": entry.code,
        "what": describe(entry),
    }


def _in_words(outcome: "MessageOutcome") -> str:
    state = str(outcome.state)
    decided = f"; decided by {outcome.until:%H:%M} UTC" if outcome.until else ""
    return f"{_OUTCOMES.get(state, state)}{decided}"
