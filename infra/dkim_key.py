"""The public half of a DKIM key of one's own (BYODKIM), which DNS publishes. Reads DER alone: no cryptography is done.

https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html
"""

import base64
import binascii
import re

# ITU-T X.690 §8: the tags of what an RSA key is written in.
_INTEGER, _BIT_STRING, _OCTET_STRING, _SEQUENCE = 0x02, 0x03, 0x04, 0x30
_RSA = bytes.fromhex("300d06092a864886f70d0101010500")  # AlgorithmIdentifier rsaEncryption, RFC 3279 §2.3.1
_LONG_FORM = 0x80
_PEM_LINE = re.compile(r"-----(BEGIN|END) (RSA )?PRIVATE KEY-----")
BITS = 2048


def base64_of(private_key: str) -> str:
    """A private key as SES takes it: base64 on one line, without PEM's first and last."""
    return "".join(_PEM_LINE.sub("", private_key).split())


def public_key(private_key: str) -> str:
    """The public key of a private one, as base64 of its SubjectPublicKeyInfo (RFC 6376 §3.6.1, tag `p`).

    Args:
        private_key: An RSA key in PKCS #1 or PKCS #8, as PEM or its base64.

    Raises:
        ValueError: It is no such key, or not one of 2048 bits.
    """
    try:
        modulus, exponent = _numbers(base64.b64decode(base64_of(private_key), validate=True))
    except (binascii.Error, IndexError, ValueError) as error:
        raise ValueError("it is not an RSA private key in PEM or base64") from error
    bits = int.from_bytes(modulus, "big").bit_length()
    if bits != BITS:
        raise ValueError(f"it has {bits} bits; SES and receivers agree on {BITS}")
    numbers = _written(_SEQUENCE, _written(_INTEGER, modulus) + _written(_INTEGER, exponent))
    info = _written(_SEQUENCE, _RSA + _written(_BIT_STRING, b"\0" + numbers))
    return base64.b64encode(info).decode("ascii")


def _numbers(der: bytes) -> tuple[bytes, bytes]:
    """Modulus and exponent of PKCS #1 (RFC 8017 §A.1.2), which PKCS #8 (RFC 5958 §2) has inside an octet string."""
    fields = _fields(_only(der, _SEQUENCE))
    if len(fields) > 2 and fields[1][0] == _SEQUENCE and fields[2][0] == _OCTET_STRING:  # noqa: PLR2004 - its members
        fields = _fields(_only(fields[2][1], _SEQUENCE))
    version, modulus, exponent = fields[:3]
    if {version[0], modulus[0], exponent[0]} != {_INTEGER}:
        raise ValueError("not an RSA key")
    return modulus[1], exponent[1]


def _only(der: bytes, tag: int) -> bytes:
    ((found, value),) = _fields(der)
    if found != tag:
        raise ValueError("another kind of value")
    return value


def _fields(der: bytes) -> list[tuple[int, bytes]]:
    fields: list[tuple[int, bytes]] = []
    while der:
        tag, length, start = der[0], der[1], 2
        if length & _LONG_FORM:
            start += length & ~_LONG_FORM
            length = int.from_bytes(der[2:start], "big")
        if len(der) < start + length:
            raise ValueError("cut off")
        fields.append((tag, der[start : start + length]))
        der = der[start + length :]
    return fields


def _written(tag: int, value: bytes) -> bytes:
    length = len(value)
    if length < _LONG_FORM:
        return bytes([tag, length]) + value
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(size)]) + size + value
