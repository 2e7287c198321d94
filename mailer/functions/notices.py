"""Messages in the account monitor's queue, and the notices that follow: SES's own events, missing pagers. Pure.

`lambdas/account_monitor` acts.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mailer.errors import MalformedEvent
from mailer.functions.envelope import parse_object, unwrap
from mailer.functions.guard import MAX_SUBJECT
from mailer.functions.guard import read as read_alarm

if TYPE_CHECKING:
    from mailer.functions.envelope import JsonObject


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock: measure now."""


@dataclass(frozen=True, slots=True)
class Page:
    """Tell the paging topic."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Mail:
    """Tell people by mail: the paging topic reaches nobody."""

    subject: str
    text: str


def read(body: str, *, stack: str) -> Tick | Page | Mail | str:
    """What a message asks for.

    Args:
        body: An EventBridge event, or an alarm's notification as SNS delivers it.
        stack: Whose monitor reads it.

    Returns:
        What to do; a text says why there is nothing to do.

    Raises:
        MalformedEvent: It is none of these.
    """
    event = parse_object(body)
    match event:
        case {"source": "aws.events"}:
            return Tick()
        case {"source": "aws.ses", "detail-type": str(kind)}:
            return _of_ses(kind, event, stack)
        case {"source": str(source)}:
            raise MalformedEvent(f"An event of {source} is not an event that the account monitor subscribes to.")
        case _:
            return _pagers(body, stack)


def _of_ses(kind: str, event: "JsonObject", stack: str) -> Page:
    """https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html."""
    listed = event.get("resources")
    resources = [str(one) for one in cast("list[object]", listed)] if isinstance(listed, list) else []
    detail = json.dumps(event.get("detail", {}), indent=2, ensure_ascii=False)
    text = f"""\
Amazon SES says: {kind}

About:   {", ".join(resources) or "the account"}
Account: {event.get("account", "-")} in {event.get("region", "-")}, seen by the stack {stack}
Since:   {event.get("time", "-")}

{detail}

What to do
  The account:     aws sesv2 get-account --region {event.get("region", "REGION")}
  SES's findings:  aws sesv2 list-recommendations --region {event.get("region", "REGION")}
  A paused tenant: docs/guides/monitoring.md, "Tenant paused", has the command that resumes it.
"""
    return Page(f"SES: {kind}".encode("ascii", "replace").decode()[:MAX_SUBJECT], text)


def _pagers(body: str, stack: str) -> Mail | str:
    alarm = read_alarm(unwrap(body) or {})
    if alarm.state != "ALARM":
        return f"{alarm.name} is {alarm.state}"
    text = f"""\
You asked to be paged when mail of the stack {stack} goes wrong, and no page would reach you now.
This mail comes through Amazon SES itself, and only once.

{alarm.description}
"""
    return Mail(f"Nobody is paged for mail of {stack}", text)
