"""SES's SMTP passwords: derived from the secret of an access key, for one region. Pure."""

import base64
import hashlib
import hmac

# https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html#smtp-credentials-convert
_STEPS = ("11111111", "{region}", "ses", "aws4_request", "SendRawEmail")
_VERSION = b"\x04"


def smtp_password(secret: str, region: str) -> str:
    """The password that belongs to an access key's secret in a region; the user name is the access key's id.

    Example:
        >>> len(smtp_password("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"))
        44
    """
    signature = f"AWS4{secret}".encode()
    for step in _STEPS:
        signature = hmac.new(signature, step.format(region=region).encode(), hashlib.sha256).digest()
    return base64.b64encode(_VERSION + signature).decode()
