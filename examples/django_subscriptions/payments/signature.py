"""The signature of a webhook's request, as Stripe documents it: https://docs.stripe.com/webhooks#verify-manually.

`Stripe-Signature: t=TIMESTAMP,v1=SIGNATURE[,v1=...]`, where a signature is the HMAC-SHA256 of `TIMESTAMP.BODY` in
hexadecimal. There are several while a secret is rotated. Other schemes than `v1` are ignored, against downgrades.
"""

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER = "Stripe-Signature"
# Seconds between the signature and now, as in Stripe's libraries, so that a recorded request expires.
TOLERANCE = 300
_SCHEME = "v1"
# Bytes of a header that has some signatures.
_MAX_HEADER = 2_000


class SignatureError(Exception):
    """The request is not the provider's, or too old; the text says why and names no secret."""


def sign(body: bytes, secret: str, *, now: int) -> str:
    """The header for a body.

    Args:
        body: The body of the request, byte for byte.
        secret: The endpoint's signing secret.
        now: Seconds since the epoch.

    Example:
        >>> sign(b"{}", "a secret", now=1767225600)[:20]
        't=1767225600,v1=4c54'
    """
    return f"t={now},{_SCHEME}={_signature(body, secret, str(now))}"


def verify(body: bytes, header: str, secrets: "Iterable[str]", *, now: float) -> None:
    """Check the header of a request.

    Args:
        body: The body, byte for byte as it arrived: JSON that was parsed and written again has other bytes.
        header: The value of `Stripe-Signature`.
        secrets: The endpoint's signing secrets; one of them must fit.
        now: Seconds since the epoch.

    Raises:
        SignatureError: It is missing, wrong or too old.
    """
    parts = [part.strip().partition("=") for part in header[:_MAX_HEADER].split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == _SCHEME]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdecimal()) or not given:
        raise SignatureError(f"The header {HEADER} has no timestamp or no signature {_SCHEME}.")
    expected = [_signature(body, secret, times[0]) for secret in secrets]
    # Compare every pair: the time must not tell which of them is right.
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in given]
    if not any(matches):
        raise SignatureError("No signature fits the body. Is the signing secret that of this endpoint?")
    if abs(now - int(times[0])) > TOLERANCE:
        raise SignatureError(f"The signature is more than {TOLERANCE} seconds old. Is the clock right?")


def _signature(body: bytes, secret: str, timestamp: str) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
