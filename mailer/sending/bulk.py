"""Many mails in bulk requests, with all that a single send promises: hooks, idempotency keys, suppressions, rate, log.

Each mail has a result of its own. What a bulk request cannot carry, or did not, goes in a single request.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mailer.errors import (
    AccessDenied,
    MailerError,
    QuotaExceeded,
    RateExceeded,
    Refused,
    StoreError,
    Throttled,
    TransportError,
)
from mailer.results import RecipientResult, SendResult
from mailer.sending.hooks import Observation
from mailer.sending.many import Outcomes
from mailer.sending.retry import RetryPolicy, retrying
from mailer.sending.screening import suppressed_results
from mailer.transports.ses_bulk import MAX_ENTRIES, split

if TYPE_CHECKING:
    from mailer.message import Message
    from mailer.sending.engine import EngineChoice
    from mailer.sending.hooks import SendHook
    from mailer.sending.idempotency import Once
    from mailer.sending.limiter import Limiter
    from mailer.sending.many import Mail
    from mailer.stores.base import Suppression
    from mailer.stores.idempotency import IdempotencyRecord
    from mailer.transports.base import BulkTransport
    from mailer.transports.ses_bulk import BulkEntry

_Result = TypeVar("_Result")
# Below so many recipients a request, single requests are as cheap, and simpler.
FEWEST = 5


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of `Mailer.send` that a bulk request has in common with it.

    Attributes:
        compose: The message of a mail.
        send: Send one message, with hooks.
        send_unobserved: Send one message, without hooks.
        suppressions: Of the recipients of messages of one stream and tenant.
        final: The message to its final recipients, with what belongs to them, such as an unsubscribe link.
        attempt: Try once to hand over a message.
        hand_over: Hand over a message, with retries.
        finish: Log and record a result.
        checked: The result, or the error that the rate limit raises for it.
        once: Idempotency keys. A mail that waits for many single ones may outlast a key's time; then another worker
            gets `unknown`, and never sends it. A longer time would make a resumed run wait for each mail of a crash.
        hooks: Of the mailer.
        limiter: The account's rate; None without.
        retries: Of attempts.
    """

    compose: "Callable[[Mail], Message]"
    send: "Callable[[Message, str | None], SendResult]"
    send_unobserved: "Callable[[Message, str | None], SendResult]"
    suppressions: "Callable[[Sequence[Message]], Mapping[str, Suppression]]"
    final: "Callable[[Message], Message]"
    attempt: "Callable[[Message], tuple[RecipientResult, ...]]"
    hand_over: "Callable[[Message], tuple[RecipientResult, ...]]"
    finish: "Callable[[Message, SendResult], None]"
    checked: "Callable[[SendResult], SendResult]"
    once: "Callable[[], Once]"
    hooks: "tuple[SendHook, ...]"
    limiter: "Limiter | None"
    retries: RetryPolicy


class _Job:
    """A mail under way. `message` is what was composed; that of `entry` is what is handed over."""

    __slots__ = ("context", "entry", "is_known", "mail", "message", "observation", "outcome", "record", "results")

    def __init__(self, mail: "Mail", message: "Message", entry: "BulkEntry") -> None:
        self.mail, self.message, self.entry = mail, message, entry
        self.observation: Observation | None = None
        # Of the hooks: what one sets for a message, such as the current span, is not set for the next one.
        self.context = copy_context()
        self.record: IdempotencyRecord | None = None
        # Whether its key was used before: a single send knows what to do then.
        self.is_known = False
        self.results: list[RecipientResult] = []
        self.outcome: SendResult | Exception | None = None

    @property
    def is_complete(self) -> bool:
        """Whether each recipient has a result."""
        return len(self.results) == len(self.message.recipients)

    def fail(self, error: MailerError) -> None:
        """The message was not sent to any recipient who is left."""
        self.results += [RecipientResult.of_error(address, error) for address in self.entry.message.recipients]


class BulkSender:
    """Sends mails in bulk requests while `EngineChoice` says so. A `mailer.sending.many.Sender`; threads share it."""

    def __init__(self, transport: "BulkTransport", steps: Steps, choice: "EngineChoice") -> None:
        self._transport, self._steps, self._choice = transport, steps, choice

    @property
    def size(self) -> int:
        """See `Sender.size`."""
        most = self._most
        return min(most, MAX_ENTRIES) if self._choice.is_bulk and most >= FEWEST else 1

    @property
    def _most(self) -> int:
        return self._steps.limiter.at_once(MAX_ENTRIES) if self._steps.limiter else MAX_ENTRIES

    def send(self, mails: "Sequence[Mail]") -> Outcomes:
        """See `Sender.send`."""
        outcomes, jobs = Outcomes(), list[_Job]()
        in_bulk = len(mails) > 1 and self._choice.is_bulk
        for mail in mails:
            prepared = _caught(partial(self._prepared, mail, in_bulk=in_bulk))
            if isinstance(prepared, Exception):
                outcomes.add(mail, prepared)
                continue
            message, entry = prepared
            if entry:
                jobs.append(_Job(mail, message, entry))
            else:
                outcomes.add(mail, self._single(message, mail.idempotency_key))
        self._send_jobs(jobs, outcomes)
        return outcomes

    def _prepared(self, mail: "Mail", *, in_bulk: bool) -> "tuple[Message, BulkEntry | None]":
        message = self._steps.compose(mail)
        return message, self._transport.bulk_entry(self._steps.final(message)) if in_bulk else None

    def _single(self, message: "Message", key: str | None) -> SendResult | Exception:
        result = _caught(partial(self._steps.send, message, key))
        if isinstance(result, SendResult) and result.ok and not result.replayed:
            self._choice.accepted_singly()
        return result

    def _send_jobs(self, jobs: list[_Job], outcomes: Outcomes) -> None:
        by_entry = {id(job.entry): job for job in jobs}
        for request in split([job.entry for job in jobs], self._most):
            chosen = [by_entry[id(entry)] for entry in request]
            if len(chosen) == 1:
                outcomes.add(chosen[0].mail, self._single(chosen[0].message, chosen[0].mail.idempotency_key))
                continue
            self._send_request(chosen)
            for job in chosen:
                outcomes.add(job.mail, job.outcome)

    def _send_request(self, jobs: list[_Job]) -> None:
        """Give each job its outcome, and the hooks theirs."""
        for job in jobs:
            job.observation = Observation(self._steps.hooks, job.message)
            job.outcome = _caught(partial(job.context.run, job.observation.begin))
        observed = [job for job in jobs if job.outcome is None]
        try:
            self._send_observed(observed)
        except Exception as error:  # noqa: BLE001 - `Outcomes` raises it, after the results of other mails
            for job in observed:
                job.outcome = job.outcome or error
        for job in observed:
            if job.observation and job.outcome is not None:
                job.context.run(job.observation.end, job.outcome)
                job.outcome = _caught(partial(self._checked, job.outcome))

    def _checked(self, outcome: SendResult | Exception) -> SendResult:
        if isinstance(outcome, Exception):
            raise outcome
        return self._steps.checked(outcome)

    def _send_observed(self, jobs: list[_Job]) -> None:
        once = self._steps.once()
        for job in jobs:
            if job.mail.idempotency_key is not None:
                self._reserve(job, once, job.mail.idempotency_key)
        mine = [job for job in jobs if job.outcome is None and not job.is_known]
        error = _caught(lambda: self._hand_over(self._screened(mine)))
        for job in mine:  # after an error, too: what was accepted until then is reported as accepted
            job.outcome = self._settled(job, once) if job.is_complete else error
        # Now, because a mail of this request may have the same key.
        for job in jobs:
            if job.is_known:
                job.outcome = _caught(partial(self._steps.send_unobserved, job.message, job.mail.idempotency_key))

    def _settled(self, job: _Job, once: "Once") -> SendResult:
        result = SendResult.ordered(job.message, job.results)
        if job.record:
            once.settle(job.record, result)
        self._steps.finish(job.message, result)
        return result

    def _reserve(self, job: _Job, once: "Once", key: str) -> None:
        """Record the key before anything is sent; say if it was used before."""
        try:
            reserved = once.reserve(job.message, key)
        except MailerError as error:
            job.outcome = error
            return
        if reserved is None:
            job.is_known = True
        elif isinstance(reserved, SendResult):  # the store is down
            job.outcome = reserved
            self._steps.finish(job.message, reserved)
        else:
            job.record = reserved

    def _screened(self, jobs: list[_Job]) -> list[_Job]:
        """The jobs with a recipient who is not suppressed, with entries without the others."""
        if not jobs:
            return []
        try:
            found = self._steps.suppressions([job.message for job in jobs])
        except StoreError as error:
            for job in jobs:
                job.fail(error)
            return []
        return [job for job in jobs if not found or self._is_left(job, found)]

    def _is_left(self, job: _Job, found: "Mapping[str, Suppression]") -> bool:
        job.results += suppressed_results(job.message, found)
        allowed = job.message.without(found)
        if allowed is not None and allowed is not job.message:
            entry = self._transport.bulk_entry(self._steps.final(allowed))
            assert entry  # noqa: S101 - it is smaller than the one that it replaces
            job.entry = entry
        return allowed is not None

    def _hand_over(self, jobs: list[_Job]) -> None:
        """Try a bulk request, then single ones for what it did not carry and another attempt may."""
        if not jobs or not self._has_turn(jobs):
            return
        try:
            outcomes = self._accepted([job.entry for job in jobs])
        except AccessDenied as error:
            self._choice.denied(error)
            self._singly(jobs)
        except QuotaExceeded as error:
            _fail(jobs, error)
        except Throttled:
            self._singly(jobs[self._probe(jobs[0]) :])
        except TransportError as error:
            # Of a request that SES finds invalid, one message may be the cause: each gets an answer of its own.
            self._singly(jobs) if type(error) is Refused else _fail(jobs, error)
        else:
            self._choice.accepted_in_bulk()
            self._singly(list(self._undecided(jobs, outcomes)))

    def _has_turn(self, jobs: list[_Job]) -> bool:
        """Wait for the account's rate; where it has no place for all, single requests find out for how many it has."""
        if self._steps.limiter:
            try:
                self._steps.limiter.acquire(sum(len(job.entry.message.recipients) for job in jobs))
            except (RateExceeded, QuotaExceeded):
                self._singly(jobs)
                return False
        return True

    def _accepted(self, entries: "list[BulkEntry]") -> "list[tuple[RecipientResult, ...] | TransportError]":
        outcomes = retrying(partial(self._attempt, entries), self._steps.retries)
        if isinstance(outcomes, Throttled):
            raise outcomes
        return outcomes

    def _attempt(self, entries: "list[BulkEntry]") -> "list[tuple[RecipientResult, ...] | TransportError] | Throttled":
        """A throttled request is not retried: single ones show whether the account's rate is the cause."""
        try:
            return self._transport.send_bulk(entries)
        except Throttled as error:
            return error

    def _undecided(
        self, jobs: list[_Job], outcomes: "list[tuple[RecipientResult, ...] | TransportError]"
    ) -> Iterable[_Job]:
        """Give the jobs their results; yield those that SES did not accept and may accept soon."""
        was_throttled = False
        for job, outcome in zip(jobs, outcomes, strict=True):
            if not isinstance(outcome, TransportError):
                job.results += outcome
            elif outcome.retryable:
                was_throttled = was_throttled or isinstance(outcome, Throttled)
                yield job
            else:
                job.fail(outcome)
        if was_throttled and self._steps.limiter:
            self._steps.limiter.throttled()

    def _probe(self, job: _Job) -> int:
        """Try a single request after a throttled bulk request; return how many jobs it settled."""
        try:
            job.results += self._steps.attempt(job.entry.message)
        except TransportError as error:
            if error.retryable:
                return 0
            job.fail(error)
        else:
            self._choice.limited()
        return 1

    def _singly(self, jobs: "Iterable[_Job]") -> None:
        for job in jobs:
            results = self._steps.hand_over(job.entry.message)
            job.results += results
            if all(one.ok for one in results):
                self._choice.accepted_singly()


def _fail(jobs: list[_Job], error: MailerError) -> None:
    for job in jobs:
        job.fail(error)


def _caught(function: "Callable[[], _Result]") -> "_Result | Exception":
    """What the function returns or raises."""
    try:
        return function()
    except Exception as error:  # noqa: BLE001 - `Outcomes` raises what is not an error of ours
        return error
