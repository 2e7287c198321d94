"""Credentials, regions, endpoints and certificates are those that boto3 would use; what fails there fails as ours."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import MetadataRetrievalError
from botocore.session import Session, get_session

from mailer.wire import access, endpoints
from mailer.wire.access import Access, Identity
from mailer.wire.client import DYNAMODB, SES, SSM, WireApi
from mailer.wire.deadline import Deadline, Limits
from mailer.wire.errors import CannotAsk, CredentialsFailed, NotWritten
from tests.unit.mailer.wire.raw_server import RawServer, answer, ok, raw_server
from tests.unit.mailer.wire.test_outcomes import known
from tests.waiting import PATIENCE

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SOURCES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL")


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*SOURCES, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    with raw_server() as server:
        yield server


Setting = Callable[[pytest.MonkeyPatch, Path], None]


def settings_of(**variables: str) -> Setting:
    def give(patch: pytest.MonkeyPatch, _: Path) -> None:
        for name, value in variables.items():
            patch.setenv(name, value)

    return give


def profile(text: str) -> Setting:
    def write(_: pytest.MonkeyPatch, folder: Path) -> None:
        (folder / "config").write_text(text)

    return write


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1", None])
@pytest.mark.parametrize("service", [SES.name, DYNAMODB.name, SSM.name])
@pytest.mark.parametrize(
    "setting",
    [
        settings_of(AWS_DEFAULT_REGION="ap-south-1"),
        settings_of(AWS_DEFAULT_REGION="ap-south-1", AWS_USE_DUALSTACK_ENDPOINT="true"),
        settings_of(AWS_DEFAULT_REGION="us-west-2", AWS_USE_FIPS_ENDPOINT="true"),
        settings_of(AWS_DEFAULT_REGION="fips-us-west-2"),
        settings_of(AWS_DEFAULT_REGION="us-west-2", AWS_ENDPOINT_URL="http://127.0.0.1:4566/prefix"),
        settings_of(AWS_DEFAULT_REGION="us-west-2", AWS_ENDPOINT_URL_SESV2="https://ses.test"),
        profile(
            "[default]\nregion=eu-west-3\nservices=mine\n[services mine]\nsesv2 =\n  endpoint_url = https://a.test\n"
        ),
        profile("[default]\nregion=eu-west-3\nignore_configured_endpoint_urls=true\nendpoint_url=https://a.test\n"),
    ],
)
def test_a_place_is_where_boto3_would_ask(
    region: str | None,
    service: str,
    setting: Setting,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    setting(monkeypatch, tmp_path)
    client: Any = boto3.session.Session(KEY, SECRET).client(service, region_name=region)  # pyright: ignore[reportCallIssue, reportUnknownVariableType, reportArgumentType]
    place = Identity(Access()).place(service, region)
    assert place.destination
    assert (place.destination.url.geturl(), place.region) == (client.meta.endpoint_url, client.meta.region_name)
    assert (place.destination.tls is not None) == client.meta.endpoint_url.startswith("https:")


@pytest.mark.parametrize("service", [SES.name, DYNAMODB.name, SSM.name])
@pytest.mark.parametrize("variables", [{}, {"AWS_ENDPOINT_URL": "https://a.test"}, {"AWS_USE_FIPS_ENDPOINT": "true"}])
def test_usual_endpoints_are_found_without_a_client(
    service: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    expected = Identity(Access()).place(service, "us-east-1").destination
    monkeypatch.setattr(Session, "create_client", fails_with(AssertionError("a client was created")))
    found = Identity(Access()).place(service, "us-east-1").destination
    assert found
    assert expected
    assert found.url == expected.url


def test_an_endpoint_is_found_with_an_unknown_botocore(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(endpoints, "PREFIXES", None)  # an AttributeError, as of a part that is no longer there
    found = Identity(Access()).place("sesv2", "us-east-1").destination
    assert found
    assert found.url.hostname == "email.us-east-1.amazonaws.com"


def test_a_client_default_of_the_session_decides_the_endpoint():
    session = boto3.session.Session(KEY, SECRET)
    session._session.set_default_client_config(Config(region_name="eu-west-1"))  # pyright: ignore[reportAttributeAccessIssue]
    place = Identity(Access(session)).place("dynamodb", None)
    assert place.destination
    assert (place.region, place.destination.url.hostname) == ("eu-west-1", "dynamodb.eu-west-1.amazonaws.com")


def test_services_of_one_access_share_session_and_certificates(monkeypatch: pytest.MonkeyPatch):
    made: list[Access] = []
    session_of = Access.botocore_session
    monkeypatch.setattr(Access, "botocore_session", lambda self: made.append(self) or session_of(self))
    identity = Access().identity
    first, second = (identity.place(service, "us-east-1").destination for service in ("sesv2", "dynamodb"))
    assert first
    assert second
    assert first.tls is second.tls
    assert len(made) == 1


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        (settings_of(), "NoRegionError"),
        (settings_of(AWS_REGION="x", AWS_DEFAULT_REGION="not a region"), "InvalidRegionError"),
        (settings_of(AWS_DEFAULT_REGION="us-east-1", AWS_ENDPOINT_URL="garbage"), "ValueError"),
        (settings_of(AWS_DEFAULT_REGION="us-east-1", AWS_CA_BUNDLE="/no/such/file"), "InvalidCaBundle"),
        (settings_of(AWS_DEFAULT_REGION="us-east-1", AWS_PROFILE="nobody"), "ProfileNotFound"),
        (settings_of(AWS_DEFAULT_REGION="us-east-1", HTTPS_PROXY="http://"), "InvalidProxiesConfigError"),
    ],
)
def test_a_wrong_set_up_is_named_before_anything_is_asked(
    setting: Setting, code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    setting(monkeypatch, tmp_path)
    with pytest.raises(CannotAsk) as raised:
        Identity(Access()).place("sesv2", None)
    assert raised.value.code == code


def test_a_proxy_that_is_reached_by_https_is_left_to_botocore(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "https://proxy.test:3128")
    assert Identity(Access()).place("sesv2", "us-east-1").destination is None


def test_a_host_that_no_proxy_leaves_out_is_asked_directly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", ".amazonaws.com")
    place = Identity(Access()).place("sesv2", "us-east-1")
    assert place.destination
    assert place.destination.proxy is None


def test_no_credentials_are_named_as_that():
    with pytest.raises(CannotAsk) as raised:
        Identity(Access()).keys(Deadline(PATIENCE))
    assert raised.value.code == "NoCredentialsError"


def test_credentials_that_come_later_are_found_then(monkeypatch: pytest.MonkeyPatch):
    identity = Identity(Access())
    with pytest.raises(CannotAsk):
        identity.keys(Deadline(PATIENCE))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert identity.keys(Deadline(PATIENCE)).access_key == KEY


def fresh(token: str) -> dict[str, str]:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return {"access_key": KEY, "secret_key": SECRET, "token": token, "expiry_time": until}


def refreshing(refresh: Callable[[], Any]) -> Access:
    """A session whose credentials are over, and are fetched by a function."""
    session = boto3.session.Session(region_name="us-east-1")
    over = datetime.now(UTC) - timedelta(minutes=1)
    credentials = RefreshableCredentials(KEY, SECRET, "old", over, refresh, "a-test")
    session._session._credentials = credentials  # pyright: ignore[reportAttributeAccessIssue]
    return Access(session)


def fails_with(error: BaseException) -> Callable[[], Any]:
    def refresh(*_: Any, **_options: Any) -> Any:
        raise error

    return refresh


@pytest.mark.parametrize(
    "refresh",
    [
        fails_with(MetadataRetrievalError(error_msg="the endpoint is down")),
        fails_with(OSError("reset")),
        fails_with(KeyError("Credentials")),
        fails_with(RuntimeError("still expired")),
        fails_with(SystemError("odd")),
        lambda: None,
        dict,
        lambda: {**fresh("token"), "expiry_time": "2001-01-01T00:00:00Z"},
    ],
)
def test_any_failing_refresh_is_credentials_failed(refresh: Callable[[], Any]):
    with pytest.raises(CredentialsFailed):
        Identity(refreshing(refresh)).keys(Deadline(PATIENCE))


def test_nothing_is_posted_when_a_refresh_fails(server: RawServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    answers: list[Callable[[], Any]] = [fails_with(OSError("reset")), lambda: fresh("renewed")]

    def next_answer() -> Any:
        return answers.pop(0)()

    api = WireApi(SES, "us-east-1", Limits(PATIENCE, PATIENCE), refreshing(next_answer))
    with pytest.raises(NotWritten):
        api.call("SendEmail", {})
    assert not server.received
    api.call("SendEmail", {})
    assert server.received[0].headers["x-amz-security-token"] == "renewed"


def test_a_refresh_that_never_ends_is_left_when_the_time_is_over():
    blocked = threading.Event()
    with pytest.raises(CredentialsFailed):
        Identity(refreshing(blocked.wait)).keys(Deadline(0.5))
    blocked.set()


def test_a_set_up_that_never_ends_is_left_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch):
    blocked = threading.Event()

    def never(_: Access) -> Session:
        blocked.wait()
        return get_session()

    monkeypatch.setattr(access, "SET_UP_SECONDS", 0.5)
    monkeypatch.setattr(Access, "botocore_session", never)
    with pytest.raises(CredentialsFailed):
        Identity(Access()).place("sesv2", "us-east-1")
    blocked.set()


def test_a_role_is_assumed_with_the_session_s_credentials(server: RawServer, monkeypatch: pytest.MonkeyPatch):
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    keys = f"<AccessKeyId>{KEY}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>"
    body = (
        "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
        f"{keys}<SessionToken>assumed</SessionToken><Expiration>{until}</Expiration>"
        "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
    known(monkeypatch, server.url)
    server.script = [
        answer(200, body.encode(), "Content-Type: text/xml"),
        ok({"MessageId": "1"}),
        ok({"MessageId": "2"}),
    ]
    api = WireApi(
        SES,
        "us-east-1",
        Limits(PATIENCE, PATIENCE),
        Access(boto3.session.Session(region_name="us-east-1"), "arn:aws:iam::000000000000:role/mail"),
    )
    assert [api.call("SendEmail", {})["MessageId"] for _ in range(2)] == ["1", "2"]
    asked, first, second = server.received
    assert b"Action=AssumeRole" in asked.body
    assert first.headers["x-amz-security-token"] == second.headers["x-amz-security-token"] == "assumed"


def test_a_role_that_may_not_be_assumed_is_no_answer_of_ses(server: RawServer, monkeypatch: pytest.MonkeyPatch):
    known(monkeypatch, server.url)
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    server.script = [answer(403, denied, "Content-Type: text/xml")] * 9
    api = WireApi(
        SES,
        "us-east-1",
        Limits(PATIENCE, PATIENCE),
        Access(boto3.session.Session(region_name="us-east-1"), "arn:aws:iam::000000000000:role/mail"),
    )
    with pytest.raises(CredentialsFailed, match="AssumeRole"):
        api.call("SendEmail", {})


def test_threads_that_begin_together_find_a_place_once(monkeypatch: pytest.MonkeyPatch):
    found: list[str] = []
    locate = Identity._locate

    def counted(self: Identity, service: str, region: str | None) -> access.Place:
        found.append(service)
        return locate(self, service, region)

    monkeypatch.setattr(Identity, "_locate", counted)
    identity = Identity(Access())
    with ThreadPoolExecutor(16) as threads:
        places = list(threads.map(lambda _: identity.place("sesv2", "us-east-1"), range(16)))
    assert found == ["sesv2"]
    assert len({id(place) for place in places}) == 1
