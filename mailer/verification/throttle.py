"""Limits for other acts than codes and links, such as sign-ups. They are counted in the store of the tokens."""

from typing import TYPE_CHECKING

from mailer.address import Address
from mailer.stores.base import utcnow
from mailer.stores.tokens import Limit
from mailer.verification.clients import client_key
from mailer.verification.keys import VerificationKeys
from mailer.verification.results import Asked

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mailer.stores.tokens import TokenStore

_FIVE_AN_HOUR = Limit(5)


class Throttle:
    """Counts an act by address and by client, over all processes that share a store. Threads may share it.

    Args:
        name: What is counted, such as `sign-up`. Acts with different names are counted separately, and apart from
            the limits of `Verification`.
        store: Where it is counted, such as `mailer.tokens`. It holds keyed hashes, no addresses.
        keys: The server's keys. Default: those of `MAILSTACK_VERIFICATION_KEYS`.
        per_address: How often an e-mail address may be used.
        per_client: How often a client may act.
        clock: The time now, with a zone.

    Raises:
        ConfigurationError: There is no key, or a key is wrong.
    """

    def __init__(
        self,
        name: str,
        store: "TokenStore",
        *,
        keys: VerificationKeys | None = None,
        per_address: Limit = _FIVE_AN_HOUR,
        per_client: Limit = _FIVE_AN_HOUR,
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        self._name, self._store, self._keys = name, store, keys or VerificationKeys.from_environment()
        self._per_address, self._per_client, self._clock = per_address, per_client, clock

    def take(self, *, address: str = "", client: str = "") -> Asked:
        """Count one act. A refused one does not count.

        Args:
            address: The e-mail address; empty to count none.
            client: The IP address of the client, or the id of its device; empty to count none. Addresses of one /64
                network of IPv6 are one client.

        Returns:
            Whether it is allowed, and otherwise when the next one is.

        Raises:
            InvalidAddress: The e-mail address is not valid.
            StoreError: The store cannot be reached.
        """
        now, key = self._clock(), Address.parse(address).key if address else ""
        # The client first: one that acts too often must not use up the limit of an address.
        for kind, who, limit in (("client", client_key(client), self._per_client), ("address", key, self._per_address)):
            if who and (refused := self._store.take(self._key(kind, who), limit, now)):
                return Asked(refused)
        return Asked()

    def _key(self, kind: str, who: str) -> str:
        return self._keys.current.mac("throttle", self._name, kind, who).hex()
