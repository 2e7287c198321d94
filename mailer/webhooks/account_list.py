"""Deletes an address from SES's suppression list of the account, at most once a second."""

import logging
from threading import Lock
from typing import TYPE_CHECKING, Literal

from mailer.address import mask
from mailer.webhooks.rate import Bucket
from mailer.wire.boto import boto_api
from mailer.wire.deadline import Limits
from mailer.wire.errors import ServiceError, WireError
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from mailer.wire.access import Access

    Outcome = Literal["deleted", "not listed", "failed"]

log = logging.getLogger("mailer")
_LIMITS = Limits(connect=3.0, attempt=5.0)
# SES allows one call a second to operations other than sending: https://docs.aws.amazon.com/ses/latest/dg/quotas.html
_A_SECOND = 1.0


class AccountList:
    """SES's suppression list of the account in a region."""

    def __init__(self, region: str, access: "Access") -> None:
        self._region, self._access = region, access
        self._bucket = Bucket(_A_SECOND, 1)
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """A thread of the parent process may have held the lock."""
        self._lock = Lock()

    def take(self) -> bool:
        """Whether SES may be called now."""
        with self._lock:
            return self._bucket.take()

    def delete(self, address: str) -> "Outcome":
        """Delete an address.

        https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_DeleteSuppressedDestination.html
        """
        try:
            api = boto_api("sesv2", self._region, _LIMITS, self._access)
            api.call("DeleteSuppressedDestination", {"EmailAddress": address})
        except WireError as error:
            code = error.code if isinstance(error, ServiceError) else type(error).__name__
            if code == "NotFoundException":
                return "not listed"
            log.error(  # noqa: TRY400 - the code suffices
                "%s stays on SES's list of the account, so SES bounces mail to it: %s. Allow "
                "ses:DeleteSuppressedDestination, and remove it again.",
                mask(address),
                code,
            )
            return "failed"
        return "deleted"
