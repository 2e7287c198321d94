"""A limit for views that create accounts: how many an address and a client may create."""

from typing import TYPE_CHECKING

from mailer.django.process import get_mailer
from mailer.stores.tokens import Limit
from mailer.verification.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from mailer.verification.results import Asked

_FIVE_AN_HOUR = Limit(5)


class SignUpThrottle:
    """Limits sign-ups, over all processes that share the store of `MAILSTACK`. Create one for the module of the view.

    It counts in the transaction under way, so a rollback takes the count back. Count before `transaction.atomic()`;
    with `ATOMIC_REQUESTS`, decorate the view with `transaction.non_atomic_requests`.

    Args:
        per_address: How often one e-mail address may be used.
        per_client: How often one client may sign up. Raise it where many people share a network address.
        client_of: The IP address of a request's client. Default: `REMOTE_ADDR`, which is that of a proxy if there is
            one.
        name: What is counted, for a limit of another act.
    """

    def __init__(
        self,
        *,
        per_address: Limit = _FIVE_AN_HOUR,
        per_client: Limit = _FIVE_AN_HOUR,
        client_of: "Callable[[HttpRequest], str] | None" = None,
        name: str = "sign-up",
    ) -> None:
        self._name, self._per_address, self._per_client = name, per_address, per_client
        self._client_of = client_of or client_address

    def take(self, request: "HttpRequest", address: str = "") -> "Asked":
        """Count a sign-up: call it when the form is valid, before the account is created.

        Args:
            request: The request, for its client.
            address: The e-mail address that signs up.

        Returns:
            Whether it is allowed; otherwise `retry_at` says when the next one is. Answer with status 429 then.

        Raises:
            ConfigurationError: `MAILSTACK_VERIFICATION_KEYS` has no key.
            StoreError: The store cannot be reached.
        """
        return self._throttle.take(address=address, client=self._client_of(request))

    @property
    def _throttle(self) -> Throttle:
        """Of the store of this moment: tests and settings may change it."""
        store = get_mailer().tokens
        return Throttle(self._name, store, per_address=self._per_address, per_client=self._per_client)


def client_address(request: "HttpRequest") -> str:
    """The address of the client as the server sees it."""
    return str(request.META.get("REMOTE_ADDR", ""))
