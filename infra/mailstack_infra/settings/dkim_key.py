"""The public key of your own DKIM key (BYODKIM), for DNS.

https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html
"""

import base64
import binascii
import re

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

_PEM_LINE = re.compile(r"-----(BEGIN|END) (RSA )?PRIVATE KEY-----")
BITS = 2048


def base64_of(private_key: str) -> str:
    """A private key in the form that SES accepts: base64 on one line, without PEM's first and last line."""
    return "".join(_PEM_LINE.sub("", private_key).split())


def public_key(private_key: str) -> str:
    """The public key of a private one, as base64 of its SubjectPublicKeyInfo (RFC 6376 §3.6.1, tag `p`).

    Args:
        private_key: An RSA key in PKCS #1 or PKCS #8, as PEM or its base64.

    Raises:
        ValueError: It is not such a key, or does not have 2048 bits.
    """
    wrong = "it is not an RSA private key in PEM or base64"
    try:
        key = load_der_private_key(base64.b64decode(base64_of(private_key), validate=True), password=None)
    except (binascii.Error, TypeError, ValueError) as error:  # TypeError: it has a password
        raise ValueError(wrong) from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(wrong)  # noqa: TRY004 - a wrong value of a setting
    if key.key_size != BITS:
        raise ValueError(f"it has {key.key_size} bits; SES and receivers support {BITS}")
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(public).decode("ascii")
