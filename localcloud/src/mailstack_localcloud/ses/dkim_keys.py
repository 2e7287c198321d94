"""A customer's DKIM key (BYODKIM): SES's checks of it, and its DNS record.

https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html
"""

import base64
import binascii

from mailstack_localcloud.ses.errors import SesError, bad_request

# RFC 6376 §3.3.3 and what SES says of it.
MIN_BITS, MAX_BITS = 1024, 2048
_PEM = b"-----BEGIN"


def public_half(private_key: str) -> str:
    """The public key, as base64 of its SubjectPublicKeyInfo (RFC 6376 §3.6.1, tag `p`).

    Args:
        private_key: An RSA key in PKCS #1 or #8 in base64: as PEM has it between its first and last line, or all of
            a PEM file.

    Raises:
        SesError: It is not an RSA private key, or too short or too long.
    """
    # Imported here: most requests bring no key and must not wait for it.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    try:
        given = base64.b64decode(private_key, validate=True)
        pem = given.startswith(_PEM)
        load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
        key = load(given, password=None)
    except (binascii.Error, TypeError, ValueError) as error:  # TypeError: it has a password
        raise _refused("it is not an RSA private key in base64") from error
    if not isinstance(key, RSAPrivateKey) or not MIN_BITS <= key.key_size <= MAX_BITS:
        raise _refused(f"it is not an RSA key of {MIN_BITS} to {MAX_BITS} bits")
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(public).decode()


def _refused(reason: str) -> SesError:
    return bad_request(f"DomainSigningPrivateKey cannot be used: {reason}.")
