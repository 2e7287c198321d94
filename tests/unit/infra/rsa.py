"""Things in the form of RSA private keys. Their numbers are made up: they sign nothing and keep no secret."""

import base64

MODULUS = (1 << 2047) | 0x10001


def integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + _length(body) + body


def sequence(*members: bytes) -> bytes:
    body = b"".join(members)
    return b"\x30" + _length(body) + body


def _length(body: bytes) -> bytes:
    return bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")


def pkcs1(modulus: int) -> bytes:
    return sequence(integer(0), integer(modulus), integer(65537), *[integer(3)] * 6)


def pkcs8(modulus: int) -> bytes:
    inner = pkcs1(modulus)
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return sequence(integer(0), algorithm, b"\x04" + _length(inner) + inner)


def private(der: bytes, *, pem: bool) -> str:
    text = base64.encodebytes(der).decode() if pem else base64.b64encode(der).decode()
    mark = "PRIVATE KEY"
    return f"-----BEGIN {mark}-----\n{text}-----END {mark}-----\n" if pem else text
