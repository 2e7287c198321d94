"""The server's keys: codes and links are stored as HMACs, which nobody without the key can compute or compare.

A plain hash of a code is reversed by trying all of them, which takes a second.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError
from mailer.secret_keys import parse_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

VARIABLE = "MAILSTACK_VERIFICATION_KEYS"
_HINT = "Create a key with `mailer verification new-key`, and keep it in your secret manager."


@dataclass(frozen=True, slots=True, repr=False)
class VerificationKey:
    """One key.

    Attributes:
        id: Names the key in the tokens that it hashed.
    """

    id: str
    _secret: bytes

    @classmethod
    def parse(cls, text: str) -> "Self":
        """Read a key in base64.

        Raises:
            ConfigurationError: It is not 32 bytes.
        """
        secret = parse_key(text, what="A key of verification", hint=_HINT)
        return cls(_hmac(secret, b"id")[:8].hex(), _hmac(secret, b"verification"))

    def mac(self, *parts: str) -> bytes:
        """The HMAC-SHA-256 of several texts. Each is preceded by its length, so that none can continue in the next."""
        encoded = (part.encode("utf-8", "surrogatepass") for part in parts)
        return _hmac(self._secret, b"".join(len(part).to_bytes(4, "big") + part for part in encoded))


@dataclass(frozen=True, slots=True, repr=False)
class VerificationKeys:
    """The current key, which new tokens are hashed with, and old ones, whose tokens are still valid.

    Attributes:
        keys: The current key, then old ones.

    Raises:
        ConfigurationError: There is no key.

    Example:
        >>> from mailer.secret_keys import new_key
        >>> keys = VerificationKeys.parse([new_key()])
        >>> len(keys.keys)
        1
    """

    keys: tuple[VerificationKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            hint = f"Set {VARIABLE}. {_HINT}"
            raise ConfigurationError("Verification needs a key: a hash without one can be reversed.", hint=hint)

    @classmethod
    def parse(cls, texts: "Iterable[str]") -> "Self":
        """Read keys in base64, the current one first.

        Raises:
            ConfigurationError: There is none, or one is not 32 bytes.
        """
        return cls(tuple(VerificationKey.parse(text) for text in texts))

    @classmethod
    def from_environment(cls) -> "Self":
        """The keys that `MAILSTACK_VERIFICATION_KEYS` lists, with commas between them; the current one first.

        Raises:
            ConfigurationError: There is none, or one is not 32 bytes.
        """
        return cls.parse(text for text in os.environ.get(VARIABLE, "").split(",") if text.strip())

    @property
    def current(self) -> VerificationKey:
        """The key that new tokens are hashed with."""
        return self.keys[0]

    def get(self, id_: str) -> VerificationKey | None:
        """The key with the id; None if it was removed."""
        return next((key for key in self.keys if key.id == id_), None)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
