"""Encryption at rest: a keyed hash to look addresses up, authenticated encryption of what names a person.

Without a key, addresses stand in plain text and the look-up value is their SHA-256.
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError, StoreError
from mailer.install import install_command
from mailer.secret_keys import parse_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE = "MAILSTACK_STORE_KEYS"
PLAIN = ""
# NIST SP 800-38D §8.2.2: with random 96-bit nonces, a key encrypts at most 2**32 values.
_NONCE_BYTES = 12
_HINT = "Create a key with `mailer store new-key`, and keep it in your secret manager."


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """One key: what is derived from 32 random bytes.

    Attributes:
        id: Names the key in the rows that it encrypted.
    """

    id: str
    _hashing: bytes
    _cipher: "AESGCM"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read a key in base64.

        Raises:
            ConfigurationError: It is not 32 bytes, or the extra `encryption` is not installed.
        """
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ModuleNotFoundError as error:
            words = "Encryption of the store needs the package cryptography."
            raise ConfigurationError(words, hint=install_command("encryption")) from error
        secret = parse_key(text, what=f"A key of {VARIABLE}", hint=_HINT)
        return cls(_derive(secret, b"id").hex()[:16], _derive(secret, b"lookup"), AESGCM(_derive(secret, b"encrypt")))

    def lookup(self, address: str) -> str:
        """The keyed hash of an address (HMAC-SHA-256)."""
        return hmac.new(self._hashing, _bytes(address), hashlib.sha256).hexdigest()

    def seal(self, value: str, about: str) -> str:
        """Encrypt with AES-256-GCM. `about` names the row and column, so that a value cannot be moved to another."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, _bytes(value), _bytes(about))).decode()

    def open(self, sealed: str, about: str) -> str:
        """Decrypt what `seal` encrypted.

        Raises:
            ValueError: The value was changed, or belongs to another row.
        """
        from cryptography.exceptions import InvalidTag

        blob = base64.b64decode(sealed, validate=True)
        try:
            return self._cipher.decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], _bytes(about)).decode()
        except InvalidTag:
            raise ValueError("authentication failed") from None


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """The keys of a store: the first one writes, all of them read, and so does none.

    Attributes:
        keys: The current key, then old ones.
    """

    keys: tuple[Key, ...] = ()
    _by_id: dict[str, Key] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {key.id: key for key in self.keys})

    @classmethod
    def parse(cls, texts: "Iterable[str]") -> "Keyring":
        """Read keys in base64, the current one first. See `Key.parse`."""
        return cls(tuple(Key.parse(text) for text in texts))

    @property
    def current(self) -> str:
        """The id of the key that writes; empty for none."""
        return self.keys[0].id if self.keys else PLAIN

    def lookups(self, address: str) -> tuple[str, ...]:
        """Where an address may stand: the current look-up value first, then those of old keys and of none."""
        return (*(key.lookup(address) for key in self.keys), hashlib.sha256(_bytes(address)).hexdigest())

    def seal(self, value: str, about: str) -> str:
        """The value as it is stored."""
        return self.keys[0].seal(value, about) if self.keys else value

    def open(self, stored: str, key_id: str, about: str) -> str:
        """The value that was stored.

        Raises:
            StoreError: The key is missing, or the value was changed.
        """
        if key_id == PLAIN:
            return stored
        key = self._by_id.get(key_id)
        if key is None:
            hint = f"Add the key to {VARIABLE}, behind the current one, until `mailer store rotate` has ended."
            raise StoreError(f"The store has a row that was encrypted with the key {key_id}.", hint=hint)
        try:
            return key.open(stored, about)
        except ValueError:
            hint = "The row was changed outside of this library: restore it from a backup, or delete it."
            raise StoreError("A row of the store fails its authentication.", hint=hint) from None


def keys_from_environment() -> tuple[str, ...]:
    """The keys that `MAILSTACK_STORE_KEYS` lists, with commas between them; the current one first."""
    return tuple(text for text in os.environ.get(VARIABLE, "").split(",") if text.strip())


def _derive(secret: bytes, purpose: bytes) -> bytes:
    """HKDF-Expand with one block (RFC 5869 §2.3): the secret is uniformly random, so there is nothing to extract."""
    return hmac.new(secret, b"mailstack store " + purpose + b"\x01", hashlib.sha256).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
