"""AWS Signature Version 4, https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html.

For requests without a query, whose body is at hand. Gives the same signatures as botocore; a test compares them.
"""

from functools import lru_cache
from hashlib import sha256
from hmac import digest as hmac
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


class Keys(NamedTuple):
    """An access key and, for temporary credentials, its session token."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return f"Keys({self.access_key!r}, '***')"


class Scope(NamedTuple):
    """What a signature holds for."""

    region: str
    service: str


class Signing(NamedTuple):
    """What signs any body that goes to one place within one second: all but the body's own hash.

    Attributes:
        headers: The headers that are signed, `x-amz-date` among them.
    """

    headers: "Mapping[str, str]"
    canonical: str
    to_sign: str
    key: bytes
    credential: str

    def authorization(self, body: "Iterable[bytes]") -> str:
        """The `authorization` header of a request with this body, in pieces."""
        hashed = sha256()
        for piece in body:
            hashed.update(piece)
        digest = sha256(f"{self.canonical}{hashed.hexdigest()}".encode()).hexdigest()
        signature = hmac(self.key, f"{self.to_sign}{digest}".encode(), "sha256").hex()
        return f"{self.credential}{signature}"

    def __repr__(self) -> str:
        return "Signing(***)"


def signing(
    path: str, headers: "Mapping[str, str]", *, keys: Keys, scope: Scope, now: "datetime", method: str = "POST"
) -> Signing:
    """Prepare the signatures of a second.

    Args:
        path: As in the request line, percent-encoded.
        headers: What is signed: `host` among them; names in lower case.
        keys: Whose signature it is.
        scope: For which region and service.
        now: In UTC.
        method: HTTP's.
    """
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    stamped = {**headers, "x-amz-date": stamp}
    if keys.token:
        stamped["x-amz-security-token"] = keys.token
    names = sorted(stamped)
    listed = ";".join(names)
    lines = "".join([f"{name}:{' '.join(stamped[name].split())}\n" for name in names])
    date = stamp[:8]
    within = f"{date}/{scope.region}/{scope.service}/aws4_request"
    return Signing(
        headers=stamped,
        canonical=f"{method}\n{_canonical_path(path)}\n\n{lines}\n{listed}\n",
        to_sign=f"AWS4-HMAC-SHA256\n{stamp}\n{within}\n",
        key=_signing_key(keys.secret_key, date, scope.region, scope.service),
        credential=f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{within}, SignedHeaders={listed}, Signature=",
    )


def signed(
    path: str,
    headers: "Mapping[str, str]",
    body: bytes,
    *,
    keys: Keys,
    scope: Scope,
    now: "datetime",
    method: str = "POST",
) -> dict[str, str]:
    """The headers of a request with those that sign it. See `signing`."""
    prepared = signing(path, headers, keys=keys, scope=scope, now=now, method=method)
    return {**prepared.headers, "authorization": prepared.authorization((body,))}


def _canonical_path(path: str) -> str:
    """Without empty parts and dots, and encoded once more, as every service but S3 has it."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part and part != ".":
            parts.append(part)
    last = "/" if parts and path.endswith("/") else ""
    return quote(f"/{'/'.join(parts)}{last}", safe="/~")


@lru_cache(maxsize=64)  # the key changes once a day; a few sets of credentials are in use
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac(key, part.encode(), "sha256")
    return key
