"""Outside production, the recipient guard refuses or redirects mail for others; in production it is an error."""

from typing import Any

import pytest

from mailer.address import Address
from mailer.catalog import VerificationCode
from mailer.content import RawMime, StoredTemplate
from mailer.errors import ConfigurationError, RecipientNotAllowed, Throttled
from mailer.mailer import Mailer
from mailer.results import Status
from mailer.sending.recipient_guard import RecipientGuard, guard_from_environment
from mailer.sending.retry import RetryPolicy
from mailer.stores.base import Suppression
from mailer.testing.outbox import Outbox
from mailer.testing.outputs import stack_outputs

CODE = VerificationCode(code="424242")
TEAM, ADA, BOB, EVE = "team@example.com", "ada@example.com", "bob@example.org", "eve@example.net"
RAW = RawMime(f"From: shop@example.test\nTo: {BOB}\nSubject: Hello\n\nHello\n".encode())


def mailer(outbox: Outbox, stack: str = "dev", **parts: Any) -> Mailer:
    retries = RetryPolicy(first_delay=0)
    given: dict[str, Any] = {"transport": outbox, "suppressions": outbox.suppressions, "retries": retries, **parts}
    return Mailer(stack_outputs(stack), **given)


@pytest.mark.parametrize(
    ("pattern", "address", "allowed"),
    [
        ("ada@example.com", "ADA@Example.com", True),
        ("*@Example.com", "bob@example.com", True),
        ("*@example.com", "bob@sub.example.com", False),
        ("*@example.com", "bob@notexample.com", False),
        ("*@*.example.com", "bob@sub.example.com", True),
        ("ada+*@example.com", "ada+7@example.com", True),
        ("ada+*@example.com", "ada@example.com", False),
        ("*@example.com", "bob@example.com.example.org", False),
    ],
)
def test_patterns_match_whole_addresses_in_any_case(pattern: str, address: str, allowed: bool):
    assert RecipientGuard(allowed=(pattern,)).allows(Address(address)) is allowed


@pytest.mark.parametrize(
    "pattern", ["", "*", "*@*", "*@*.*", "@example.com", "example.com", "a@\n", "a@exämple.com", 7]
)
def test_patterns_that_are_none_or_allow_everyone_are_refused(pattern: Any):
    with pytest.raises(ConfigurationError) as error:
        RecipientGuard(allowed=(pattern,))
    assert error.value.hint


@pytest.mark.parametrize("given", [{"allowed": "*@example.com"}, {"redirect_to": "team"}, {"allowed": None}])
def test_a_guard_of_the_wrong_form_is_a_configuration_error(given: Any):
    with pytest.raises(ConfigurationError):
        RecipientGuard(**given)


def test_others_are_refused_and_the_allowed_get_the_mail():
    outbox = Outbox()
    result = mailer(outbox, guard=RecipientGuard(allowed=("*@example.com",))).send(CODE, to=[BOB, ADA], bcc=EVE)
    assert [one.status for one in result] == [Status.REFUSED, Status.SENT, Status.REFUSED]
    error = result[BOB].error
    assert isinstance(error, RecipientNotAllowed)
    assert "MAILSTACK_ALLOWED_RECIPIENTS" in error.hint
    assert [[one.email for one in sent.recipients] for sent in outbox] == [[ADA]]


def test_empty_allow_list_sends_nothing():
    outbox = Outbox()
    assert not mailer(outbox, guard=RecipientGuard()).send(CODE, to=BOB).ok
    assert not outbox


def test_others_are_redirected_with_the_recipient_in_the_subject():
    outbox = Outbox()
    guard = RecipientGuard(allowed=(ADA,), redirect_to=TEAM)
    result = mailer(outbox, guard=guard).send(CODE, to=[BOB, ADA], cc=EVE)
    assert result.ok
    assert "redirected to t***@example.com" in result[BOB].reason
    (sent,) = outbox
    assert ([one.email for one in sent.to], sent.cc) == ([TEAM, ADA], ())
    assert sent.subject.startswith(f"[to {BOB}, {EVE}] 424242")


def test_the_subject_names_a_few_of_many_recipients():
    outbox = Outbox()
    many = [f"reader-{number}@example.org" for number in range(50)]
    result = mailer(outbox, guard=RecipientGuard(redirect_to=TEAM)).send(CODE, to=many)
    assert len(result) == 50
    assert "reader-2@example.org and 47 more] " in outbox[0].subject


def test_mail_to_the_team_itself_is_not_changed():
    outbox = Outbox()
    assert mailer(outbox, guard=RecipientGuard(redirect_to=TEAM)).send(CODE, to=TEAM).ok
    assert outbox[0].subject.startswith("424242")


@pytest.mark.parametrize("content", [StoredTemplate("welcome"), RAW])
def test_content_without_a_subject_of_ours_is_not_redirected(content: Any):
    outbox = Outbox()
    result = mailer(outbox, guard=RecipientGuard(redirect_to=TEAM)).send(content, to=BOB)
    assert [one.status for one in result] == [Status.REFUSED]
    assert "cannot be redirected" in result[BOB].reason
    assert not outbox


def test_result_is_that_of_the_redirected_copy():
    outbox = Outbox()
    mail = mailer(outbox, guard=RecipientGuard(redirect_to=TEAM))
    outbox.fail(Throttled("too fast"), times=9)
    assert mail.send(CODE, to=BOB)[BOB].status is Status.THROTTLED
    outbox.clear()
    outbox.suppressions.put(Suppression(TEAM, "bounce"))
    assert mail.send(CODE, to=BOB)[BOB].status is Status.SUPPRESSED


def test_the_environment_sets_the_guard(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_ALLOWED_RECIPIENTS", " *@example.com , eve@example.net ")
    outbox = Outbox()
    assert [one.ok for one in mailer(outbox).send(CODE, to=[ADA, BOB, EVE])] == [True, False, True]
    monkeypatch.setenv("MAILSTACK_REDIRECT_TO", TEAM)
    assert mailer(outbox).send(CODE, to=BOB).ok
    own = RecipientGuard(allowed=(BOB,))
    assert not mailer(outbox, guard=own).send(CODE, to=ADA).ok


@pytest.mark.parametrize("environ", [{}, {"MAILSTACK_ALLOWED_RECIPIENTS": " , "}, {"MAILSTACK_REDIRECT_TO": ""}])
def test_without_variables_everyone_gets_mail(environ: dict[str, str]):
    assert guard_from_environment(environ) is None


@pytest.mark.parametrize(
    ("stack", "is_production"),
    [
        *((name, True) for name in ("prod", "PROD", "production", "live", "eu-prod", "prod-2", "acme_production")),
        *((name, False) for name in ("dev", "staging", "product-dev", "preprod", "local", "delivery")),
    ],
)
def test_a_guard_in_production_is_an_error(stack: str, is_production: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_REDIRECT_TO", TEAM)
    if not is_production:
        assert mailer(Outbox(), stack).send(CODE, to=BOB).ok
        return
    with pytest.raises(ConfigurationError, match="is production") as error:
        mailer(Outbox(), stack)
    assert "MAILSTACK_REDIRECT_TO" in error.value.hint
    assert mailer(Outbox(), stack, guard=RecipientGuard(redirect_to=TEAM, in_production=True)).send(CODE, to=BOB).ok
