"""`mailer microsoft365 setup`: PowerShell with the names filled in, each of which is checked."""

import pytest

from mailer.cli import main

CLIENT, OBJECT = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"


def setup(*more: str, mailbox: str = "shop@example.com", client: str = CLIENT) -> int:
    given = ["--mailbox", mailbox, "--client-id", client, "--object-id", OBJECT]
    return main(["microsoft365", "setup", *given, *more])


def test_script_is_filled_in(capsys: pytest.CaptureFixture[str]):
    assert setup() == 0
    script = capsys.readouterr().out
    assert f"New-ServicePrincipal -AppId {CLIENT} -ObjectId {OBJECT}" in script
    assert "\"PrimarySmtpAddress -eq 'shop@example.com'\"" in script
    assert f'-Role "Application SMTP.SendAsApp" -App {CLIENT}' in script
    assert 'Set-CASMailbox -Identity "shop@example.com" -SmtpClientAuthenticationDisabled $false' in script
    assert "{" not in script


def test_older_way_grants_a_permission_of_the_mailbox(capsys: pytest.CaptureFixture[str]):
    assert setup("--permission") == 0
    script = capsys.readouterr().out
    assert "Add-MailboxPermission" in script
    assert "New-ManagementRoleAssignment" not in script


@pytest.mark.parametrize(
    "wrong",
    [{"mailbox": "no address"}, {"mailbox": "a'b@example.com"}, {"mailbox": "$x@example.com"}, {"client": "1; x"}],
)
def test_values_that_powershell_could_read_are_refused(wrong: dict[str, str], capsys: pytest.CaptureFixture[str]):
    assert setup(**wrong) == 2
    assert capsys.readouterr().out == ""
