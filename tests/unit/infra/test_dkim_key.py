"""The public half of a private key, against one that OpenSSL would give for the same numbers."""

import base64

import pytest

from infra.dkim_key import base64_of, public_key
from tests.unit.infra.rsa import MODULUS, integer, pkcs1, pkcs8, private, sequence


def expected(modulus: int) -> str:
    numbers = sequence(integer(modulus), integer(65537))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    bits = b"\0" + numbers
    return base64.b64encode(sequence(algorithm, b"\x03\x82" + len(bits).to_bytes(2, "big") + bits)).decode()


@pytest.mark.parametrize("form", [pkcs1(MODULUS), pkcs8(MODULUS)], ids=["pkcs1", "pkcs8"])
@pytest.mark.parametrize("pem", [True, False])
def test_the_public_key_is_that_of_the_private_one(form: bytes, pem: bool):
    text = private(form, pem=pem)
    assert public_key(text) == expected(MODULUS)
    assert base64.b64decode(base64_of(text), validate=True) == form


@pytest.mark.parametrize(
    "text",
    ["", "nonsense!", base64.b64encode(b"abc").decode(), private(pkcs1(MODULUS)[:-9], pem=False), "MAA="],
)
def test_what_is_no_key_is_refused(text: str):
    with pytest.raises(ValueError, match="not an RSA private key"):
        public_key(text)


@pytest.mark.parametrize("bits", [1024, 4096])
def test_a_key_of_another_length_is_refused(bits: int):
    with pytest.raises(ValueError, match=f"it has {bits} bits"):
        public_key(private(pkcs1((1 << (bits - 1)) | 1), pem=False))
