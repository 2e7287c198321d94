"""Settings that `pulumi config set --secret` encrypted with a passphrase. Not for those encrypted with a service's key.

After sdk/go/common/resource/config/crypt.go in pulumi/pulumi: PBKDF2 with SHA-256, AES-256 in Galois counter mode.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
_ROUNDS = 1_000_000
_KEY_BYTES = 32
_VERSION = "v1"


class DecryptionError(ValueError):
    """The value cannot be read with this passphrase."""


def decrypter(salt: str, passphrase: str) -> Callable[[str], str]:
    """Decrypts the values in one stack's file.

    Args:
        salt: The file's `encryptionsalt`.
        passphrase: The one that the stack was made with.

    Raises:
        DecryptionError: The salt is none, or the passphrase is another.
    """
    version, encoded, *check = salt.split(":", 2)
    try:
        key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), base64.b64decode(encoded), _ROUNDS, _KEY_BYTES)
    except binascii.Error as error:
        raise DecryptionError("encryptionsalt is not what Pulumi writes") from error
    if version != _VERSION or not check:
        raise DecryptionError("encryptionsalt is not what Pulumi writes")
    _opened(key, check[0])
    return lambda value: _opened(key, value)


def _opened(key: bytes, value: str) -> str:
    version, _, rest = value.partition(":")
    nonce, _, text = rest.partition(":")
    if version != _VERSION:
        raise DecryptionError("a value is encrypted in a form that only Pulumi itself reads")
    try:
        return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(text), None).decode()
    except (InvalidTag, ValueError) as error:
        raise DecryptionError("it was encrypted with another passphrase") from error
