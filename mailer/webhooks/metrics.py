"""`/metrics/email/…`: reports over HTTP for those who have a key, and the removal of a suppression.

Not for Prometheus: `mailer.observability.feedback`. What is counted: `mailer.reports`.
"""

import logging
import time
from threading import Lock
from typing import TYPE_CHECKING

from mailer.address import Address, mask
from mailer.errors import InvalidAddress, StoreError
from mailer.feedback.wording import describe
from mailer.redaction import mask_all
from mailer.reports.numbers import BOUNCES, COMPLAINTS
from mailer.reports.report import SOURCES, newest_suppressions, report_of, stream_names
from mailer.reports.shape import rate_shape, report_shape, suppressions_shape
from mailer.stores.base import utcnow
from mailer.stores.counters import start_of
from mailer.stores.messages import Position, position_of
from mailer.webhooks.account_list import AccountList
from mailer.webhooks.account_quota import AccountQuota
from mailer.webhooks.http import (
    BAD_REQUEST,
    FORBIDDEN,
    OK,
    SERVER_ERROR,
    TOO_MANY,
    UNAUTHORIZED,
    UNAVAILABLE,
    Answer,
    Endpoint,
    json_answer,
    problem,
    where,
)
from mailer.webhooks.metrics_keys import MetricsKeys
from mailer.webhooks.metrics_page import page_endpoints
from mailer.webhooks.metrics_query import Query, cursor, parse_query
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from mailer.reports.numbers import Numbers
    from mailer.reports.report import Report
    from mailer.stores.base import Suppression
    from mailer.stores.messages import LogEntry
    from mailer.webhooks.http import Handler, Request
    from mailer.webhooks.webhook import Webhook

    Json = Mapping[str, object]

log = logging.getLogger("mailer")
PATH = "/metrics/email"
SUMMARY_PATH, BOUNCES_PATH = f"{PATH}/summary", f"{PATH}/bounces"
COMPLAINTS_PATH, SUPPRESSIONS_PATH = f"{PATH}/complaints", f"{PATH}/suppressions"
SUPPRESSION_PATH, QUOTA_PATH = f"{SUPPRESSIONS_PATH}/{{token}}", f"{PATH}/quota"
PAGED = ("days", "limit", "cursor")
_QUOTA_SOURCE = (
    "The quota: SES's own count of recipients in 24 hours, in the whole account and region, other stacks included."
)
# Seconds for which a report is kept, so that reloading a page does not load the store.
_KEPT = 30.0
# Seconds that a request waits for the report of another one.
_PATIENCE = 3.0
_BOUNCES = ("hard_bounces", "soft_bounces", "unclear_bounces", "not_tried")


class MetricsApi:
    """Serves reports of a webhook's stores, to those who have a key. Pass it to `asgi_app` or `fastapi_router`.

    Args:
        webhook: Whose stores and outputs are read.
        keys: Keys that read. Default: those in `MAILSTACK_METRICS_KEYS`, with commas between them.
        admin_keys: Keys that also remove suppressions. Default: those in `MAILSTACK_METRICS_ADMIN_KEYS`.
        account_list: Whether a removal deletes the address from SES's list of the account, too; this takes the
            permission `ses:DeleteSuppressedDestination`. Otherwise SES bounces the next mail.
        quota: Whether it serves the account's sending quota; this takes the permission `ses:GetAccount`.
        sessions: Whether a web framework has found out who asks (`Request.holder`), in place of keys.
        clock: The time now, with a zone.

    Raises:
        ConfigurationError: There is no key, or one is shorter than 32 characters.
    """

    def __init__(
        self,
        webhook: "Webhook",
        *,
        keys: "Iterable[str] | None" = None,
        admin_keys: "Iterable[str] | None" = None,
        account_list: bool = True,
        quota: bool = True,
        sessions: bool = False,
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        self._keys = None if sessions else MetricsKeys(keys, admin_keys)
        self._stores, self._outputs, self._clock = webhook.stores, webhook.outputs, clock
        self._account_list = AccountList(webhook.outputs.region, webhook.access) if account_list else None
        self._quota = AccountQuota(webhook.outputs.region, webhook.access) if quota else None
        self._names = stream_names(webhook.outputs)
        self._reports: dict[int, tuple[float, Report]] = {}
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """A thread of the parent process may have held the lock."""
        self._lock = Lock()

    def endpoints(self) -> "tuple[Endpoint, ...]":
        """What it serves."""
        pages = {
            SUMMARY_PATH: (self._summary, ("days",)),
            BOUNCES_PATH: (self._bounces, PAGED),
            COMPLAINTS_PATH: (self._complaints, PAGED),
            SUPPRESSIONS_PATH: (self._suppressions, PAGED),
        }
        reading = (
            Endpoint(path, ("GET", "HEAD"), 0, self._reader(path, read, allowed))
            for path, (read, allowed) in pages.items()
        )
        return (
            *page_endpoints(PATH, by_session=self._keys is None),
            *reading,
            *(
                [Endpoint(QUOTA_PATH, ("GET", "HEAD"), 0, self._guarded(self._show_quota, admin=False))]
                if self._quota
                else ()
            ),
            Endpoint(SUPPRESSION_PATH, ("DELETE",), 0, self._guarded(self._remove, admin=True)),
        )

    def _reader(self, name: str, read: "Callable[[Query], Json]", allowed: tuple[str, ...]) -> "Handler":
        def answer(request: "Request", holder: str) -> Answer:
            query = parse_query(request.query, allowed)
            if isinstance(query, str):
                return problem(BAD_REQUEST, query)
            log.info("Metrics read: %s by %s", name, mask_all(holder))
            return json_answer(OK, read(query))

        return self._guarded(answer, admin=False)

    def _guarded(self, answer: "Callable[[Request, str], Answer]", *, admin: bool) -> "Handler":
        def guarded(request: "Request") -> Answer:
            holder = self._keys.holder(request.authorization) if self._keys else request.holder
            if holder is None and self._keys is None:
                return problem(FORBIDDEN, "Log in as somebody who may see the suppression list and the message log.")
            if holder is None:
                return problem(UNAUTHORIZED, "A key is needed.", {"www-authenticate": "Bearer"})
            if admin and not holder[1]:
                words = "This key reads" if self._keys else "This user reads"
                return problem(FORBIDDEN, f"{words}, and removes nothing.")
            try:
                return answer(request, holder[0])
            except StoreError as error:
                log.error("The metrics could not be read: %s", error)  # noqa: TRY400 - the words suffice
                return problem(UNAVAILABLE, "The store is not available.")
            except Exception as error:  # noqa: BLE001 - an answer, whatever happens
                log.error("Defect in the metrics: %s at %s", type(error).__name__, where(error))  # noqa: TRY400
                return problem(SERVER_ERROR, "Internal error.")

        return guarded

    def _report(self, days: int) -> "Report":
        """The report of the days, at most some seconds old.

        One is made at a time. Others wait for it, not for long: they hold threads that receive SES's events, too.
        """
        if not self._lock.acquire(timeout=_PATIENCE):
            raise StoreError("Another report is still being made.", hint="Ask for fewer days, or less often.")
        try:
            oldest = time.monotonic() - _KEPT
            self._reports = reports = {one: kept for one, kept in self._reports.items() if kept[0] >= oldest}
            if days not in reports:
                reports[days] = time.monotonic(), self._new_report(days)
            return reports[days][1]
        finally:
            self._lock.release()

    def _new_report(self, days: int) -> "Report":
        """It closes no day: a process that serves reports may have no right to write."""
        stores = self._stores
        return report_of(
            stores.messages,
            stores.suppressions,
            self._outputs,
            days=days,
            now=self._clock(),
            counters=stores.counters,
        )

    def _summary(self, query: Query) -> "Json":
        return dict(report_shape(self._report(query.days)))

    def _bounces(self, query: Query) -> "Json":
        report = self._report(query.days)
        return {
            **_counted(report, lambda one: {name: getattr(one, name) for name in _BOUNCES}),
            "rate": rate_shape(report.total.bounce_rate, BOUNCES),
            **self._page(report, query, "Bounce"),
        }

    def _complaints(self, query: Query) -> "Json":
        report = self._report(query.days)
        return {
            **_counted(report, lambda one: {"complaints": one.complaints}),
            "rate": rate_shape(report.total.complaint_rate, COMPLAINTS),
            **self._page(report, query, "Complaint"),
        }

    def _page(self, report: "Report", query: Query, kind: str) -> "Json":
        """A page of events. One more is asked for, so that the last page is known to be the last."""
        found: list[LogEntry] = []
        if self._stores.messages:
            since, after = start_of(min(report.days)), Position(*query.after) if query.after else None
            found = self._stores.messages.newest([kind], since=since, after=after, limit=query.limit + 1)
        page = found[: query.limit]
        return {
            "items": [self._event(entry) for entry in page],
            "next": cursor(*position_of(page[-1])) if len(found) > len(page) else None,
            "complete": report.complete,
            "logged": report.logged,
            "sources": {name: SOURCES[name] for name in ("numbers", "rates")},
        }

    def _event(self, entry: "LogEntry") -> "Json":
        return {
            "at": entry.at.isoformat(),
            "recipient": entry.recipient,
            "stream": self._names.get(entry.configuration_set, entry.configuration_set),
            "template": entry.template,
            "message_id": entry.message_id,
            "type": entry.category,
            "code": entry.code,
            "words": describe(entry),
        }

    def _suppressions(self, query: Query) -> "Json":
        report = self._report(query.days)
        rows = newest_suppressions(self._stores.suppressions, start_of(min(report.days)))
        left = [row for row in rows if query.after is None or _place(row) < query.after]
        page = left[: query.limit]
        return {
            **suppressions_shape(report.suppressions),
            "items": [_suppression(row) for row in page],
            "next": cursor(*_place(page[-1])) if len(left) > len(page) else None,
            "sources": {"suppressions": SOURCES["suppressions"]},
        }

    def _show_quota(self, request: "Request", holder: str) -> Answer:  # noqa: ARG002 - everybody with a key reads the same
        query = parse_query(request.query, ())
        if isinstance(query, str):
            return problem(BAD_REQUEST, query)
        found = self._quota.read() if self._quota else None
        if found is None:
            return problem(UNAVAILABLE, "SES does not say the quota. The role needs ses:GetAccount.")
        return json_answer(OK, {**found, "sources": {"quota": _QUOTA_SOURCE}})

    def _remove(self, request: "Request", holder: str) -> Answer:
        query = parse_query(request.query, ("why", "scope"))
        if isinstance(query, str):
            return problem(BAD_REQUEST, query)
        if not query.why:
            return problem(BAD_REQUEST, "why is missing: the reason is recorded with the removal.")
        try:
            address = Address.parse(request.token).key
        except InvalidAddress:
            return problem(BAD_REQUEST, "This is not an address.")
        listed = self._account_list if not query.scope else None
        if listed and not listed.take():
            return problem(TOO_MANY, "SES allows one removal a second.", {"retry-after": "1"})
        actor = f"metrics API, {holder}"
        removed = self._stores.suppressions.remove(address, scope=query.scope, actor=actor, why=query.why)
        self._reports = {}
        log.info("%s was removed from the suppression list by the %s", mask(address), mask_all(actor))
        outcome = listed.delete(address) if listed else "kept"
        body = {"address": address, "scope": query.scope, "removed": removed, "account_list": outcome}
        return json_answer(OK, body)


def _counted(report: "Report", numbers: "Callable[[Numbers], Mapping[str, int]]") -> "Json":
    return {
        "by_day": {f"{day}": numbers(one) for day, one in report.days.items()},
        "by_stream": {name: numbers(one) for name, one in report.by_stream.items()},
        "by_template": {name: numbers(one) for name, one in report.by_template.items()},
        "total": numbers(report.total),
    }


def _place(row: "Suppression") -> "tuple[datetime, str, str]":
    return row.created_at, row.address, row.scope


def _suppression(row: "Suppression") -> "Json":
    return {
        "address": row.address,
        "reason": row.reason,
        "scope": row.scope,
        "detail": row.detail,
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "actor": row.actor,
        "message_id": row.message_id,
    }
