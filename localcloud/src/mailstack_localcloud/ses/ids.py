"""Identifiers shaped as SES's: message ids, feedback ids, DKIM tokens."""

import base64
import hashlib
import time

from mailstack_localcloud.unique_ids import unique

# The first digits name the region, as seen in message ids; others share us-east-1's.
_REGION_PREFIXES = {
    "us-east-1": "0100",
    "us-west-2": "0101",
    "eu-west-1": "0102",
    "eu-central-1": "0107",
    "ap-southeast-2": "0108",
    "ap-south-1": "0109",
    "us-east-2": "010f",
}
_TOKEN_LENGTH = 32


def message_id(region: str) -> str:
    """A new message or feedback id: region, milliseconds, a UUID, a counter that is always zero."""
    return f"{_REGION_PREFIXES.get(region, '0100')}{int(time.time() * 1000):012x}-{unique()}-000000"


def dkim_tokens(domain: str, region: str) -> list[str]:
    """The three tokens of a domain: the same each time, as they are for a domain that comes back."""
    digests = (hashlib.sha256(f"{region}/{domain}/{i}".encode()).digest() for i in range(3))
    return [base64.b32encode(digest).decode().lower()[:_TOKEN_LENGTH] for digest in digests]
