"""Secret keys of 32 bytes, as settings have them: in base64. Not for what is done with a key."""

import base64
import os

from mailer.errors import ConfigurationError

KEY_BYTES = 32


def new_key() -> str:
    """A random key in base64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def parse_key(text: str, *, what: str, hint: str) -> bytes:
    """The bytes of a key.

    Args:
        text: The key in base64; white space around it is ignored.
        what: What it is, for the error, such as `An unsubscribe key`.
        hint: How to get one.

    Raises:
        ConfigurationError: It is not 32 bytes in base64.

    Example:
        >>> len(parse_key(new_key(), what="A key", hint=""))
        32
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:  # binascii.Error is one
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{what} is not {KEY_BYTES} bytes in base64.", hint=hint)
    return key
