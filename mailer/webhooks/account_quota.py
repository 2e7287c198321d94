"""The sending quota of the account in a region, as SES says it; kept for a minute."""

import logging
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from mailer.wire.boto import boto_api
from mailer.wire.deadline import Limits
from mailer.wire.errors import ServiceError, WireError
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailer.wire.access import Access

log = logging.getLogger("mailer")
_LIMITS = Limits(connect=3.0, attempt=5.0)
# Seconds. SES allows one call a second, in the whole account: https://docs.aws.amazon.com/ses/latest/dg/quotas.html
_KEPT = 60.0
# What SES says for no limit: API_SendQuota.html.
_UNLIMITED = -1


class AccountQuota:
    """How much of the quota of 24 hours is used. A failure is kept for a minute, too.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html

    Args:
        region: SES's region.
        access: How AWS is reached.
        clock: Seconds of a clock that only runs.
    """

    def __init__(self, region: str, access: "Access", *, clock: "Callable[[], float]" = time.monotonic) -> None:
        self._region, self._access, self._clock = region, access, clock
        self._until, self._found = float("-inf"), cast("Mapping[str, object] | None", None)
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """A thread of the parent process may have held the lock."""
        self._lock = Lock()

    def read(self) -> "Mapping[str, object] | None":
        """The quota; None if SES does not say it."""
        with self._lock:
            if self._clock() >= self._until:
                self._found = self._ask()
                self._until = self._clock() + _KEPT
            return self._found

    def _ask(self) -> "Mapping[str, object] | None":
        try:
            answer: Any = boto_api("sesv2", self._region, _LIMITS, self._access).call("GetAccount", {})
            quota, sent = answer["SendQuota"], float(answer["SendQuota"]["SentLast24Hours"])
            most = float(quota["Max24HourSend"])
        except (WireError, KeyError, TypeError, ValueError) as error:
            code = error.code if isinstance(error, ServiceError) else type(error).__name__
            log.warning("The quota of the account cannot be read: %s. Allow ses:GetAccount.", code)
            return None
        has_limit = most > 0 and most != _UNLIMITED
        return {
            "sent_last_24_hours": sent,
            "max_24_hour_send": most if has_limit else None,
            "max_send_rate": float(quota["MaxSendRate"]),
            "used": sent / most if has_limit else None,
            "sending_enabled": bool(answer.get("SendingEnabled")),
            "production_access": bool(answer.get("ProductionAccessEnabled")),
        }
