"""RSA keys for tests: made anew in each process, used for nothing, kept nowhere."""

import base64
from functools import cache
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

Form = Literal["PKCS #1", "PKCS #8"]
_FORMATS = {"PKCS #1": PrivateFormat.TraditionalOpenSSL, "PKCS #8": PrivateFormat.PKCS8}


@cache
def key(bits: int) -> RSAPrivateKey:
    """The key of that length."""
    return generate_private_key(65537, bits)


def private(bits: int = 2048, *, form: Form = "PKCS #8", pem: bool = False) -> str:
    """The private key as PEM, or as the base64 of its DER."""
    encoding = Encoding.PEM if pem else Encoding.DER
    written = key(bits).private_bytes(encoding, _FORMATS[form], NoEncryption())
    return written.decode() if pem else base64.b64encode(written).decode()
