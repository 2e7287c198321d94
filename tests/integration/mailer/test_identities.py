"""`mailer identities` against the local cloud."""

import json

import pytest

from mailer.cli import main
from mailer.testing import Ses
from mailstack_localcloud import LocalCloud

pytestmark = pytest.mark.integration


@pytest.fixture
def ses(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Ses:
    """A verified domain, a verified address, and one that waits."""
    ses = Ses(cloud)
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": ses.outputs.to_json()}.items():
        monkeypatch.setenv(name, value)
    for address in ("ada@example.com", "bob@example.com"):
        cloud.client("sesv2").create_email_identity(EmailIdentity=address)
    cloud.control("POST", "identities/ada@example.com/verify")
    return ses


@pytest.mark.usefixtures("ses")
def test_identities_are_listed_with_their_state(capsys: pytest.CaptureFixture[str]):
    assert main(["identities"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["ada@example.com", "email_address", "success", "enabled"],
        ["bob@example.com", "email_address", "pending", "disabled"],
        ["example.test", "domain", "success", "enabled"],
        ["3", "in", "us-east-1"],
    ]


@pytest.mark.usefixtures("ses")
def test_addresses_alone_are_listed_as_json(capsys: pytest.CaptureFixture[str]):
    assert main(["identities", "--address", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["identity"] for one in found] == ["ada@example.com", "bob@example.com"]


def test_every_page_is_read(ses: Ses, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailer.cli.identities._PAGE_SIZE", 1)
    assert main(["identities"]) == 0
    assert capsys.readouterr().out.endswith(f"3 in {ses.outputs.region}\n")


def test_refusal_of_aws_names_the_permission(ses: Ses, capsys: pytest.CaptureFixture[str]):
    with ses.fault("error", code="AccessDeniedException", operation="ListEmailIdentities"):
        assert main(["identities"]) == 2
    assert "ses:ListEmailIdentities" in capsys.readouterr().err
