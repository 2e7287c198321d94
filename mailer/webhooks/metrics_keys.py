"""The keys that open the metrics: one set reads, the other also removes suppressions. Compared in constant time."""

import hashlib
import hmac
from os import environ
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

READ_VARIABLE, ADMIN_VARIABLE = "MAILSTACK_METRICS_KEYS", "MAILSTACK_METRICS_ADMIN_KEYS"
# Characters: 32 random bytes in base64 are 44.
_MIN_KEY, _MAX_KEY = 32, 512
_HINT = "Create a key with `mailer store new-key`. Several are separated by commas, so that they can be rotated."


class MetricsKeys:
    """Who may read the metrics, and who may remove suppressions.

    Args:
        read: Keys that read. Default: those in `MAILSTACK_METRICS_KEYS`.
        admin: Keys that read and remove. Default: those in `MAILSTACK_METRICS_ADMIN_KEYS`.

    Raises:
        ConfigurationError: There is no key, or one is too short.
    """

    def __init__(self, read: "Iterable[str] | None" = None, admin: "Iterable[str] | None" = None) -> None:
        self._read = _digests(_named(READ_VARIABLE) if read is None else read)
        self._admin = _digests(_named(ADMIN_VARIABLE) if admin is None else admin)
        if not (self._read or self._admin):
            raise ConfigurationError(f"The metrics have no key: {READ_VARIABLE} is not set.", hint=_HINT)

    def __repr__(self) -> str:
        return f"<MetricsKeys: {len(self._read)} read, {len(self._admin)} remove>"

    def holder(self, authorization: str) -> tuple[str, bool] | None:
        """Who shows a key, by the first digits of its hash, and whether they may remove; None for nobody.

        Args:
            authorization: The header (RFC 6750, section 2.1).
        """
        scheme, _, key = authorization.strip().partition(" ")
        shown = _digest(key.strip()[:_MAX_KEY])
        found: tuple[str, bool] | None = None
        # Every key is compared, so that the time does not tell which one begins alike.
        for known, is_admin in (*((one, False) for one in self._read), *((one, True) for one in self._admin)):
            if hmac.compare_digest(shown, known):
                found = f"key {known.hex()[:8]}", is_admin
        return found if scheme.lower() == "bearer" else None


def _digests(keys: "Iterable[str]") -> tuple[bytes, ...]:
    stripped = [key.strip() for key in keys]
    if any(not _MIN_KEY <= len(key) <= _MAX_KEY for key in stripped):
        raise ConfigurationError(f"A key of the metrics has fewer than {_MIN_KEY} characters.", hint=_HINT)
    return tuple(map(_digest, stripped))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _named(variable: str) -> list[str]:
    return [key for key in environ.get(variable, "").split(",") if key.strip()]
