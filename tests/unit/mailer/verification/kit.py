"""A `Verification` whose mails are kept instead of sent, over a store that counts its calls."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from mailer.secret_keys import new_key
from mailer.sending.many import Mail
from mailer.stores.memory_tokens import MemoryTokens
from mailer.stores.tokens import TokenStore
from mailer.templates.secret import revealed
from mailer.testing.outbox import Outbox
from mailer.verification.keys import VerificationKeys
from mailer.verification.service import Verification
from tests.contract.suppression_store import Clock

ADA, BOB = "ada@example.org", "bob@example.org"
BROWSER, OTHER_BROWSER = "browser-of-ada-0123456789", "browser-of-eve-0123456789"
URL = "https://app.example.com/verify/{token}"


class Kept:
    """A `Delivery` that keeps the mails."""

    def __init__(self) -> None:
        self.mails: list[Mail | None] = []

    def deliver(self, mail: Mail | None, *, expires_at: datetime) -> None:
        self.mails.append(mail)

    def message(self, number: int = -1) -> Any:
        """One of the mails, as it would be sent."""
        mail, outbox = self.mails[number], Outbox()
        assert mail
        assert mail.send_with(outbox.mailer.send).ok
        return outbox[0]

    @property
    def code(self) -> str:
        """The code in the last mail."""
        return str(revealed(self._content().code))

    @property
    def link(self) -> str:
        """The link in the last mail."""
        content = self._content()
        (link,) = (getattr(content, name) for name in type(content).model_fields if name.endswith("_url"))
        return str(revealed(link))

    @property
    def token(self) -> str:
        """The token in that link."""
        return self.link.rpartition("/")[2]

    def _content(self) -> Any:
        assert self.mails[-1]
        return self.mails[-1].content


class Counting:
    """A store that writes down what it was asked, without the values."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self.calls: list[tuple[str, tuple[str, ...], bool]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)

        def call(*args: object, **options: object) -> object:
            shapes = (*(shape(one) for one in args), *(f"{key}={shape(value)}" for key, value in options.items()))
            answer = method(*args, **options)
            self.calls.append((name, shapes, answer is None))
            return answer

        return call

    def taken(self) -> list[tuple[str, tuple[str, ...], bool]]:
        """The calls since the last look."""
        calls, self.calls = self.calls, []
        return calls


def shape(value: object) -> str:
    """What an observer of time or size could learn of a value: its type and length."""
    if isinstance(value, str):
        return f"str[{len(value)}]" if re.fullmatch(r"[0-9a-f]{16,}", value) else "str"
    if isinstance(value, Sequence):
        return f"{type(value).__name__}[{len(value)}]"
    return type(value).__name__


class Kit:
    """What the tests of verification use.

    Attributes:
        clock: The time, which a test sets.
        delivery: The mails.
        keys: The server's keys, in base64.
        store: The store, with whatever is its own.
    """

    def __init__(self, store: TokenStore | None = None) -> None:
        self.clock, self.delivery = Clock(), Kept()
        self.store: Any = MemoryTokens() if store is None else store
        self.keys = [new_key()]

    def verification(self, *, clock: Callable[[], datetime] | None = None, **options: Any) -> Verification:
        """One server's, over the store that all share."""
        return Verification(
            Outbox().mailer,
            store=options.pop("store", self.store),
            keys=VerificationKeys.parse(options.pop("keys", self.keys)),
            delivery=self.delivery,
            clock=clock or self.clock,
            **options,
        )
