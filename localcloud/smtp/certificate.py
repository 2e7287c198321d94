"""The certificate of the SMTP interface: self-signed, for the loopback address, made when it is first needed.

It is written down here (RFC 5280 §4.1, in DER): `cryptography.x509` would take a quarter of the time that the whole
local cloud has to start in.
"""

import datetime as dt
import hashlib
import secrets
import ssl
from pathlib import Path

_DAYS = 365
_SHORT = 0x80
# What ASN.1 calls them.
_INTEGER, _BITS, _OCTETS, _OID, _TEXT, _TIME, _SEQUENCE, _SET = 0x02, 0x03, 0x04, 0x06, 0x0C, 0x17, 0x30, 0x31
_TRUE = bytes.fromhex("0101ff")
# 1.2.840.10045.4.3.2, 2.5.4.3, and under 2.5.29: what an extension says, by RFC 5280 §4.2.1.
_ECDSA_WITH_SHA256 = bytes.fromhex("2a8648ce3d040302")
_COMMON_NAME = bytes.fromhex("550403")
_KEY_IDENTIFIER, _KEY_USAGE, _ALTERNATIVE_NAME, _BASIC_CONSTRAINTS = (bytes([0x55, 0x1D, n]) for n in (14, 15, 17, 19))
_LOOPBACK = bytes((127, 0, 0, 1))
# A client trusts it as its own authority, which strict ones (Python 3.13) want to see said: it signs data and
# certificates, and none below it does.
_SIGNS = bytes.fromhex("03020284")
_IS_AUTHORITY = bytes.fromhex("30060101ff020100")


def ensure(path: str) -> None:
    """See that the file holds a private key and a certificate for it (PEM)."""
    if not Path(path).exists():
        whole = Path(f"{path}.new")
        whole.write_bytes(_pem())
        whole.replace(path)


def _pem() -> bytes:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    said = _to_be_signed(public)
    signature = key.sign(said, ec.ECDSA(hashes.SHA256()))
    certificate = _der(_SEQUENCE, said, _algorithm(), _der(_BITS, b"\0", signature))
    return private + ssl.DER_cert_to_PEM_cert(certificate).encode()


def _to_be_signed(public: bytes) -> bytes:
    now = dt.datetime.now(dt.UTC)
    name = _der(_SEQUENCE, _der(_SET, _der(_SEQUENCE, _der(_OID, _COMMON_NAME), _der(_TEXT, b"localcloud"))))
    extensions = (
        _extension(_ALTERNATIVE_NAME, _der(_SEQUENCE, _der(0x82, b"localhost"), _der(0x87, _LOOPBACK))),
        _extension(_BASIC_CONSTRAINTS, _IS_AUTHORITY, critical=True),
        _extension(_KEY_USAGE, _SIGNS, critical=True),
        _extension(_KEY_IDENTIFIER, _der(_OCTETS, hashlib.sha256(public).digest()[:20])),
    )
    return _der(
        _SEQUENCE,
        _der(0xA0, _der(_INTEGER, b"\2")),  # version 3
        _der(_INTEGER, b"\1" + secrets.token_bytes(15)),
        _algorithm(),
        name,
        _der(_SEQUENCE, _time(now - dt.timedelta(days=1)), _time(now + dt.timedelta(days=_DAYS))),
        name,
        public,
        _der(0xA3, _der(_SEQUENCE, *extensions)),
    )


def _der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    if size < _SHORT:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _SHORT + len(length))) + length + content


def _algorithm() -> bytes:
    return _der(_SEQUENCE, _der(_OID, _ECDSA_WITH_SHA256))


def _extension(kind: bytes, value: bytes, *, critical: bool = False) -> bytes:
    return _der(_SEQUENCE, _der(_OID, kind), _TRUE if critical else b"", _der(_OCTETS, value))


def _time(at: dt.datetime) -> bytes:
    return _der(_TIME, f"{at:%y%m%d%H%M%SZ}".encode())
