"""Signatures are botocore's, byte for byte, whatever is signed."""

import random
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from mailer.wire.signing import Keys, Scope, signed

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def botocores(path: str, headers: dict[str, str], body: bytes, keys: Keys, scope: Scope) -> tuple[str, datetime]:
    """The Authorization header that botocore writes, and the time that it was signed at."""
    request = AWSRequest("POST", f"https://{headers['host']}{path}", data=body, headers=headers)
    signer = SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.token), scope.service, scope.region)
    signer.add_auth(request)
    stamp = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return request.headers["Authorization"], stamp


def text(source: random.Random, alphabet: str, most: int) -> str:
    return "".join(source.choices(alphabet, k=source.randint(0, most)))


@pytest.mark.parametrize("seed", range(300))
def test_a_signature_is_the_one_that_botocore_makes(seed: int):
    source = random.Random(seed)
    path = "/" + quote(text(source, "ab/..~ %é-_+", 12))
    headers = {"host": f"h{seed}.example.com" + source.choice(["", ":8080"])}
    for number in range(source.randint(0, 4)):
        headers[f"x-{number}-{text(source, 'abc-', 5)}"] = text(source, "a  b\tc,;=é", 20)
    body = source.randbytes(source.choice([0, 1, 100, 70_000]))
    token = source.choice([None, "token/with+signs=="])
    keys, scope = Keys(KEY, SECRET, token), Scope(source.choice(["us-east-1", "eu-central-2"]), "ses")
    expected, now = botocores(path, headers, body, keys, scope)
    ours = signed(path, headers, body, keys=keys, scope=scope, now=now)
    assert ours["authorization"] == expected
    assert ours.get("x-amz-security-token") == token


def test_keys_do_not_show_their_secret():
    assert SECRET not in repr(Keys(KEY, SECRET, "token"))
    assert "token" not in repr(Keys(KEY, SECRET, "token"))
