"""The public half of a private key, as DNS publishes it."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key

from mailstack_infra.settings.dkim_key import base64_of, public_key
from tests.unit.infra.rsa import Form, key, private


@pytest.mark.parametrize("form", ["PKCS #1", "PKCS #8"])
@pytest.mark.parametrize("pem", [True, False])
def test_the_public_key_is_that_of_the_private_one(form: Form, pem: bool):
    text = private(form=form, pem=pem)
    assert load_der_public_key(base64.b64decode(public_key(text))) == key(2048).public_key()
    assert base64_of(text) == private(form=form)


@pytest.mark.parametrize("text", ["", "nonsense!", base64.b64encode(b"abc").decode(), private()[:-12], "MAA="])
def test_invalid_dkim_key_is_refused(text: str):
    with pytest.raises(ValueError, match="not an RSA private key"):
        public_key(text)


def test_a_key_of_another_kind_is_refused():
    curve = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="not an RSA private key"):
        public_key(curve.decode())


@pytest.mark.parametrize("bits", [1024, 3072])
def test_a_key_of_another_length_is_refused(bits: int):
    with pytest.raises(ValueError, match=f"it has {bits} bits"):
        public_key(private(bits))
