"""The control plane under `/_localcloud/`, JSON in and out: operations that tests need and AWS has no API for."""

import asyncio
import dataclasses
import inspect
import itertools
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import unquote

from mailstack_localcloud import virtual_time
from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.chatbot.service import Chatbot
from mailstack_localcloud.chatbot.state import SlackChannel
from mailstack_localcloud.control.autosave import Autosave
from mailstack_localcloud.control.mail_links import LINKS
from mailstack_localcloud.faults import rules
from mailstack_localcloud.faults.effects import has_status
from mailstack_localcloud.http import CONTROL_PREFIX, Request, Response, as_json
from mailstack_localcloud.inbox.feedback import COMMANDS, FeedbackError, trigger
from mailstack_localcloud.inbox.mail import Mail
from mailstack_localcloud.inbox.search import STATUSES, matching
from mailstack_localcloud.ses.acceptance import unsubscribe
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.events import event, timestamp
from mailstack_localcloud.ses.fault_target import is_operation
from mailstack_localcloud.ses.jobs import work
from mailstack_localcloud.ses.mime import bare
from mailstack_localcloud.ses.rules import identity_name
from mailstack_localcloud.ses.service import Ses
from mailstack_localcloud.ses.simulator import OUTCOMES
from mailstack_localcloud.ses.state import Account, StoredMessage
from mailstack_localcloud.ses.verification import confirm
from mailstack_localcloud.smtp.access import SmtpAccess
from mailstack_localcloud.smtp.certificate import ensure
from mailstack_localcloud.state_folder import StateError
from mailstack_localcloud.watch.clock import Clock

# What mail clients post to an unsubscribe link (RFC 8058 §3.2); it says nothing that the link does not.
_ONE_CLICK = b"List-Unsubscribe=One-Click"
_DEFAULT_LIMIT = 100
_MOST_HOURS = 10_000
_Answer = dict[str, Any]
_Body = dict[str, Any]

# What of the account may be set from outside, with the type of each: the rest is the SES API's.
ACCOUNT_SETTINGS: dict[str, type] = {
    "production_access": bool,
    "max_24_hour_send": float,
    "max_send_rate": float,
    "enforcement_status": str,
    "verify_at_once": bool,
    "limit_other_actions": bool,
    "duplicate_events": bool,
    "reverse_events": bool,
    "forward_feedback": bool,
}

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ReviewDetails.html
REVIEWS = ("PENDING", "GRANTED", "DENIED", "FAILED")


class ControlError(Exception):
    """The request is invalid; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Control:
    """The control plane over everything that runs here."""

    backend: Backend
    ses: Ses
    clock: Clock
    faults: rules.Faults
    mail_server: SmtpAccess
    chatbot: Chatbot
    autosave: Autosave | None = None

    async def handle(self, request: Request) -> Response:
        """Answer one request under `/_localcloud/`."""
        path = request.path.removeprefix(CONTROL_PREFIX).rstrip("/")
        for method, pattern, handler, _ in _ROUTES:
            match = re.fullmatch(_regex(pattern), path) if method == request.method else None
            if match:
                return await _answer(handler, self, [unquote(value) for value in match.groups()], request)
        return as_json(
            {"message": f"No {request.method} {request.path}. GET {CONTROL_PREFIX}/ lists what there is."}, 404
        )

    # Handlers: (path values, query and body) → JSON

    def help(self, _: list[str], __: _Body) -> _Answer:
        """List the routes."""
        return {f"{method} {CONTROL_PREFIX}{pattern or '/'}": text for method, pattern, _, text in _ROUTES} | LINKS

    def health(self, _: list[str], __: _Body) -> _Answer:
        """Whether it runs, and where."""
        state = self.ses.context.state
        return {"status": "ok", "region": state.region, "account_id": state.account_id}

    async def smtp(self, _: list[str], __: _Body) -> _Answer:
        """How to send over SMTP; the certificate is there then."""
        await asyncio.to_thread(ensure, self.mail_server.certificate)
        return dataclasses.asdict(self.mail_server)

    async def reset(self, _: list[str], __: _Body) -> _Answer:
        """Empty every service, after pending events were published."""
        await self.ses.context.publisher.drain()
        self.ses.reset()
        self.chatbot.reset()
        self.faults.armed.clear()
        await asyncio.to_thread(self.backend.reset)
        return {}

    async def snapshot(self, _: list[str], __: _Body) -> _Answer:
        """Keep the state of every service, after pending events were published."""
        await self.ses.context.publisher.drain()
        await self._saved().snapshot()
        return {}

    async def restore(self, _: list[str], __: _Body) -> _Answer:
        """Return every service to the snapshot; faults are removed."""
        try:
            await self._saved().restore(lambda: self.reset([], {}))
        except StateError as error:
            raise ControlError(409, str(error)) from error
        return {}

    def _saved(self) -> Autosave:
        if self.autosave is None:
            raise ControlError(409, "Nothing is kept. Start the local cloud with a state folder: --state FOLDER")
        return self.autosave

    def messages(self, _: list[str], body: _Body) -> _Answer:
        """The newest mails."""
        limit = int(body.get("limit", _DEFAULT_LIMIT))
        wanted = str(body.get("recipient", "")).lower()
        kept = self.ses.context.state.messages
        found = matching(kept.newest(len(kept)), str(body.get("q", "")), str(body.get("status", "")))
        theirs = (m for m in found if not wanted or wanted in {bare(r).lower() for r in m.recipients})
        return {"messages": [_summary(message) for message in itertools.islice(theirs, max(limit, 0))]}

    def delete_messages(self, _: list[str], __: _Body) -> _Answer:
        """Forget the mails, as the inbox page's button does."""
        self.ses.context.state.messages.clear()
        return {}

    def refusals(self, _: list[str], __: _Body) -> _Answer:
        """The sends that SES refused, by reason."""
        refused = reversed(self.ses.context.state.refused)
        return {"refusals": [{**dataclasses.asdict(one), "at": timestamp(one.at)} for one in refused]}

    def delete_refusals(self, _: list[str], __: _Body) -> _Answer:
        """Forget them."""
        self.ses.context.state.refused.clear()
        return {}

    def message(self, names: list[str], _: _Body) -> _Answer:
        """One mail with its events."""
        state = self.ses.context.state
        found = self._kept(names[0])
        arn = state.arn("identity", found.identity)
        events = [event(found, h, source_arn=arn, account_id=state.account_id) for h in found.occurrences]
        return {**_summary(found), "events": events}

    def content(self, names: list[str], _: _Body) -> _Answer:
        """One mail as its reader sees it."""
        mail = Mail(self._kept(names[0]), self.ses.context.state.region)
        parts = [
            {"name": a.name, "content_type": a.content_type, "content_id": a.content_id, "size": len(a.content)}
            for a in mail.attachments
        ]
        headers = [{"name": name, "value": value} for name, value in mail.headers]
        return {"text": mail.text, "html": mail.html, "headers": headers, "links": mail.links, "attachments": parts}

    async def trigger_event(self, names: list[str], body: _Body) -> _Answer:
        """Trigger an event of a mail, as the inbox page's buttons do."""
        given = {name: str(body.get(name, "")) for name in ("event", "recipient", "link")}
        try:
            occurrence = await trigger(self.ses.context, self._kept(names[0]), **given)
        except FeedbackError as error:
            raise ControlError(400, str(error)) from error
        return {**dataclasses.asdict(occurrence), "at": timestamp(occurrence.at)}

    async def skip(self, _: list[str], body: _Body) -> _Answer:
        """Advance the time for everything that expires, and do what is due."""
        hours = body.get("hours")
        if not isinstance(hours, int | float) or isinstance(hours, bool) or not 0 <= hours <= _MOST_HOURS:
            raise ControlError(400, f"hours must be a number from 0 to {_MOST_HOURS}, not {hours!r}.")
        virtual_time.skip(timedelta(hours=hours))
        await self.clock.tick()
        return {"now": timestamp(virtual_time.now())}

    def denials(self, _: list[str], __: _Body) -> _Answer:
        """The denied actions of AWS services."""
        return {
            "denials": [{**dataclasses.asdict(one), "at": timestamp(one.at)} for one in self.backend.grants.denials]
        }

    def _kept(self, message_id: str) -> StoredMessage:
        found = self.ses.context.state.messages.get(message_id)
        if found is None:
            raise ControlError(404, f"No message {message_id} is kept.")
        return found

    async def unsubscribe(self, names: list[str], _: _Body) -> _Answer:
        """The recipient of a mail leaves its contact list or topic, as by the link in its List-Unsubscribe header."""
        try:
            await unsubscribe(self.ses.context, self._kept(names[0]))
        except SesError as error:
            raise ControlError(error.status, error.message) from error
        return {}

    def recipients(self, _: list[str], __: _Body) -> _Answer:
        """The patterns in force and the outcomes there are."""
        return {"patterns": self.ses.context.state.outcomes, "outcomes": list(OUTCOMES)}

    def put_recipient(self, names: list[str], body: _Body) -> _Answer:
        """Set the outcome for addresses of a pattern."""
        outcome = body.get("outcome")
        if outcome not in OUTCOMES:
            short = ", ".join(name for name in OUTCOMES if ":" not in name)
            more = f"and those with a type, such as bounce:NoEmail, that GET {CONTROL_PREFIX}/recipients lists"
            raise ControlError(400, f"There is no outcome {outcome!r}. There are {short}, {more}.")
        outcomes = self.ses.context.state.outcomes
        outcomes.pop(names[0], None)
        outcomes[names[0]] = str(outcome)
        return {"pattern": names[0], "outcome": outcome}

    def delete_recipient(self, names: list[str], _: _Body) -> _Answer:
        """Forget a pattern."""
        if self.ses.context.state.outcomes.pop(names[0], None) is None:
            raise ControlError(404, f"No pattern {names[0]}.")
        return {}

    def verify(self, names: list[str], _: _Body) -> _Answer:
        """Verify an identity, as if its records were published or its link was clicked."""
        identity = self.ses.context.state.identities.get(identity_name(names[0]))
        if identity is None:
            raise ControlError(404, f"No identity {names[0]}.")
        confirm(identity)
        if identity.mail_from:
            identity.mail_from.status = "SUCCESS"
        return {"identity": identity.name, "verified": True}

    def account(self, _: list[str], __: _Body) -> _Answer:
        """The account's settings."""
        account = self.ses.context.state.account
        return {name: getattr(account, name) for name in ACCOUNT_SETTINGS}

    def put_account(self, names: list[str], body: _Body) -> _Answer:
        """Change settings of the account."""
        account = self.ses.context.state.account
        for name, value in body.items():
            _set(account, name, value)
        if account.production_access and account.details:
            account.details["ReviewDetails"]["Status"] = "GRANTED"
        return self.account(names, body)

    def put_review(self, _: list[str], body: _Body) -> _Answer:
        """Decide the request for production access, as AWS Support does."""
        account, status = self.ses.context.state.account, body.get("status")
        if status not in REVIEWS:
            raise ControlError(400, f"status must be one of {', '.join(REVIEWS)}, not {status!r}.")
        if not account.details:
            raise ControlError(404, "Nobody has asked for production access (PutAccountDetails).")
        account.details["ReviewDetails"]["Status"] = status
        account.production_access = account.production_access or status == "GRANTED"
        return dict(account.details["ReviewDetails"])

    def all_faults(self, _: list[str], __: _Body) -> _Answer:
        """The faults in force, in the order in which they are asked."""
        return {"faults": [_fault(name, armed) for name, armed in self.faults.armed.items()]}

    def fault(self, names: list[str], _: _Body) -> _Answer:
        """One fault, and how often it struck."""
        if names[0] not in self.faults.armed:
            raise ControlError(404, f"No fault {names[0]}.")
        return _fault(names[0], self.faults.armed[names[0]])

    def put_fault(self, names: list[str], body: _Body) -> _Answer:
        """Have requests fail."""
        try:
            wanted = rules.parse(body)
        except rules.FaultError as error:
            raise ControlError(400, str(error)) from error
        if not is_operation(wanted.operation):
            raise ControlError(400, f"SES has no operation {wanted.operation}.")
        if not has_status(wanted):
            raise ControlError(400, f"SES has no error {wanted.code}: give its HTTP status, too.")
        return _fault(names[0], self.faults.put(names[0], wanted))

    def delete_fault(self, names: list[str], body: _Body) -> _Answer:
        """Remove a fault; its counts."""
        last = self.fault(names, body)
        del self.faults.armed[names[0]]
        return last

    def delete_faults(self, _: list[str], __: _Body) -> _Answer:
        """Remove every fault."""
        self.faults.armed.clear()
        return {}

    def slack_channels(self, _: list[str], __: _Body) -> _Answer:
        """The Slack channels that AWS Chatbot is configured for."""
        return {"channels": [_channel(channel) for channel in self.chatbot.channels.values()]}

    def slack(self, names: list[str], _: _Body) -> _Answer:
        """One channel with what topics delivered to it, the oldest first."""
        channel = self._channel(names[0])
        return {**_channel(channel), "messages": [dataclasses.asdict(message) for message in channel.messages]}

    async def deliver_to_slack(self, names: list[str], body: _Body) -> _Answer:
        """What SNS posts to a channel's subscription."""
        await self.chatbot.topics.receive(self._channel(names[0]), body)
        return {}

    def _channel(self, name: str) -> SlackChannel:
        if name not in self.chatbot.channels:
            raise ControlError(404, f"AWS Chatbot has no Slack channel configuration named {name}.")
        return self.chatbot.channels[name]

    async def evaluate_alarms(self, _: list[str], __: _Body) -> _Answer:
        """Evaluate now; the alarms' states."""
        await self.ses.context.publisher.drain()
        return {"alarms": await self.clock.tick()}

    async def work(self, _: list[str], __: _Body) -> _Answer:
        """Run the pending jobs."""
        await work(self.ses.context, timedelta())
        return {}

    def put_event(self, _: list[str], body: _Body) -> _Answer:
        """Put an event of SES itself on the default event bus, such as a change of the account's status."""
        kind, detail = body.get("detail-type"), body.get("detail", {})
        if not isinstance(kind, str) or not isinstance(detail, dict):
            raise ControlError(400, "detail-type must be a string, and detail an object.")
        state = self.ses.context.state
        entry = {"Source": "aws.ses", "DetailType": kind, "Detail": json.dumps(detail), "EventBusName": "default"}
        with self.backend.scope(state.account_id, state.region):
            problem = self.backend.buses.put(entry)
        if problem:
            raise ControlError(400, f"EventBridge refused the event: {problem}")
        return {}

    async def drain(self, _: list[str], __: _Body) -> _Answer:
        """Wait until every event is published."""
        await self.ses.context.publisher.drain()
        return {}


def _set(account: Account, name: str, value: object) -> None:
    wanted = ACCOUNT_SETTINGS.get(name)
    if wanted is None:
        raise ControlError(400, f"{name} is not a setting; the settings are {', '.join(ACCOUNT_SETTINGS)}.")
    number = wanted is float and isinstance(value, int | float) and not isinstance(value, bool)
    if not number and not isinstance(value, wanted):
        raise ControlError(400, f"{name} must be a {wanted.__name__}, not {value!r}.")
    setattr(account, name, float(cast("float", value)) if number else value)


def _given(request: Request) -> _Body:
    """The query string and the body as one."""
    body: object = {} if request.body == _ONE_CLICK else json.loads(request.body or b"{}")
    if not isinstance(body, dict):
        raise ControlError(400, "The body must be a JSON object.")
    return {**{name: values[-1] for name, values in request.query.items()}, **cast("_Body", body)}


async def _answer(handler: "_Handler", control: Control, names: list[str], request: Request) -> Response:
    try:
        result = handler(control, names, _given(request))
        return as_json(await result if inspect.isawaitable(result) else result)
    except ControlError as error:
        return as_json({"message": str(error)}, error.status)
    except ValueError as error:
        return as_json({"message": f"The request cannot be read: {error}"}, 400)


def _summary(message: StoredMessage) -> _Answer:
    occurrences = [dataclasses.asdict(occurrence) for occurrence in message.occurrences]
    return {
        "message_id": message.message_id,
        "accepted_at": timestamp(message.accepted_at),
        "source": message.source,
        "to": message.to,
        "cc": message.cc,
        "bcc": message.bcc,
        "subject": message.subject,
        "configuration_set": message.configuration_set,
        "tags": message.tags,
        "occurrences": [{**occurrence, "at": timestamp(occurrence["at"])} for occurrence in occurrences],
    }


def _channel(channel: SlackChannel) -> _Answer:
    known = {"configuration": channel.name, "workspace": channel.team_id, "channel": channel.channel_id}
    return {**known, "topics": channel.topics}


def _fault(name: str, armed: rules.Armed) -> _Answer:
    return {"name": name, **dataclasses.asdict(armed.fault), "matched": armed.matched, "struck": armed.struck}


def _regex(pattern: str) -> str:
    return re.sub(r"\{\w+\}", "([^/]+)", pattern)


_Handler = Callable[[Control, list[str], _Body], _Answer | Awaitable[_Answer]]
_ROUTES: tuple[tuple[str, str, _Handler, str], ...] = (
    ("GET", "", Control.help, "This list."),
    ("GET", "/health", Control.health, "Whether it runs, and in which account and region."),
    ("GET", "/smtp", Control.smtp, "Ports, certificate and credentials for SMTP."),
    ("POST", "/reset", Control.reset, "Everything back to empty, in every service."),
    ("POST", "/snapshot", Control.snapshot, "Keep the state as it is now; needs a state folder."),
    ("POST", "/restore", Control.restore, "Return every service to the last snapshot."),
    (
        "GET",
        "/messages",
        Control.messages,
        f"The newest mails: ?limit=100&recipient=ada@example.com&q=words&status={'|'.join(STATUSES)}.",
    ),
    ("DELETE", "/messages", Control.delete_messages, "Forget the mails; suppressions and counts stay."),
    ("GET", "/refusals", Control.refusals, "The sends that SES refused, by reason, the newest first."),
    ("DELETE", "/refusals", Control.delete_refusals, "Forget them."),
    ("GET", "/messages/{message_id}", Control.message, "One mail with its events as SES publishes them."),
    ("GET", "/messages/{message_id}/content", Control.content, "Its text, HTML, headers, links and attachments."),
    (
        "POST",
        "/messages/{message_id}/events",
        Control.trigger_event,
        f'Trigger an event of it: {{"event": "{"|".join(COMMANDS)}|delay:MailboxFull|…", "recipient": "a@b.c"}}.',
    ),
    (
        "POST",
        "/messages/{message_id}/unsubscribe",
        Control.unsubscribe,
        "What a click on the link in its List-Unsubscribe header does.",
    ),
    ("GET", "/recipients", Control.recipients, "How recipients behave, and the outcomes there are."),
    (
        "PUT",
        "/recipients/{pattern}",
        Control.put_recipient,
        'How addresses like *@gone.test behave: {"outcome": "bounce"}, or any other that GET /recipients lists.',
    ),
    ("DELETE", "/recipients/{pattern}", Control.delete_recipient, "Forget a pattern."),
    ("POST", "/identities/{identity}/verify", Control.verify, "Verify an identity."),
    ("GET", "/account", Control.account, "The account's settings that AWS alone would change."),
    ("PUT", "/account", Control.put_account, 'Change them: {"production_access": false}.'),
    ("PUT", "/account/review", Control.put_review, 'Decide the request for production access: {"status": "DENIED"}.'),
    (
        "POST",
        "/time",
        Control.skip,
        'Advance the time for unconfirmed subscriptions, links and DNS verification: {"hours": 49}.',
    ),
    ("GET", "/denials", Control.denials, "What policies of topics, queues, keys and functions refused AWS's services."),
    ("GET", "/faults", Control.all_faults, "The faults in force, and how often each struck."),
    ("DELETE", "/faults", Control.delete_faults, "Remove every fault."),
    ("GET", "/faults/{name}", Control.fault, "One fault."),
    (
        "PUT",
        "/faults/{name}",
        Control.put_fault,
        'Have requests fail: {"effect": "throttle", "operation": "Send*", "times": 2}.',
    ),
    ("DELETE", "/faults/{name}", Control.delete_fault, "Remove it; how often it struck."),
    ("POST", "/jobs/work", Control.work, "Do SES's export and import jobs now."),
    ("GET", "/slack", Control.slack_channels, "The Slack channels that AWS Chatbot is configured for."),
    ("GET", "/slack/{configuration}", Control.slack, "What a Slack channel was sent, and what it shows of it."),
    ("POST", "/slack/{configuration}/sns", Control.deliver_to_slack, "Where SNS delivers to a Slack channel."),
    ("POST", "/alarms/evaluate", Control.evaluate_alarms, "Evaluate every alarm now; their states."),
    (
        "POST",
        "/events",
        Control.put_event,
        'Put an event of SES on the event bus: {"detail-type": "Sending Status Disabled", "detail": {}}.',
    ),
    ("POST", "/events/drain", Control.drain, "Wait until every event is published."),
)
