"""The admin: suppressions by address with their history, and the message log with its timeline."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings
from django.urls import reverse

from mailer import LogEntry, Mailer, Message, Suppression
from mailer.django import admin as ours
from mailer.django import models, process
from mailer.django.config import config
from mailer.secret_keys import new_key
from mailer.stores.sql.stores import SqlStores
from mailer.testing import Outbox
from mailer.testing.outputs import stack_outputs
from mailer.verification import SIGN_IN, SIGN_UP, Verification, VerificationKeys
from mailer.verification import new_key as new_verification_key

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LIST = "admin:mailstack_suppression_changelist"


@pytest.fixture(params=["plain", "encrypted"])
def stores(request: pytest.FixtureRequest, database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStores]:
    """The stores in Django's database, with addresses encrypted and not."""
    monkeypatch.setenv("MAILSTACK_STORE_KEYS", new_key() if request.param == "encrypted" else "")
    process.forget_mailer()
    yield process.stores_of(config())
    process.forget_mailer()


@pytest.fixture
def client(stores: SqlStores) -> Client:
    """A browser of an administrator."""
    User.objects.create_superuser("grace", "grace@example.com", "x")
    client = Client()
    client.force_login(User.objects.get(username="grace"))
    return client


def page(client: Client, name: str, *arguments: Any, **query: str) -> str:
    answer = client.get(reverse(name, args=arguments), query)
    assert answer.status_code == 200
    return answer.content.decode()


def row_of(stores: SqlStores, address: str) -> models.Suppression:
    return models.Suppression.objects.get(lookup=stores.lookups(address)[0])


def test_suppressions_are_listed(client: Client, stores: SqlStores):
    stores.suppressions.put(Suppression("ada@example.com", "bounce", scope="stream:marketing"))
    stores.suppressions.put(Suppression("bob@example.com", "complaint"))
    stores.suppressions.remove("bob@example.com")
    text = page(client, LIST)
    assert ("ada@example.com" in text, "stream:marketing" in text, "bob@example.com" in text) == (True, True, False)


def test_suppression_is_found_by_its_address(client: Client, stores: SqlStores):
    for name in ("ada", "bob"):
        stores.suppressions.put(Suppression(f"{name}@example.com", "bounce"))
    text = page(client, LIST, q="Ada@Example.com")
    assert ("ada@example.com" in text, "bob@example.com" in text) == (True, False)
    assert "ada@example.com" not in page(client, LIST, q="ada")


def test_address_is_added_with_the_administrators_name(client: Client, stores: SqlStores):
    given = {"address": "Ada@Example.com", "reason": "manual", "scope": "", "detail": "asked by phone"}
    answer = client.post(reverse("admin:mailstack_suppression_add"), {**given, "expires_at_0": "", "expires_at_1": ""})
    assert answer.status_code == 302
    (found,) = stores.suppressions.get_many(["ada@example.com"]).values()
    assert (found.detail, found.actor, found.reason) == ("asked by phone", "grace in the admin", "manual")


@pytest.mark.parametrize(
    "given",
    [{"address": "ada@com"}, {"scope": "marketing"}, {"reason": "nonsense"}],
    ids=["address", "scope", "reason"],
)
def test_wrong_input_is_refused(client: Client, stores: SqlStores, given: dict[str, str]):
    values = {"address": "ada@example.com", "reason": "manual", "expires_at_0": "", "expires_at_1": "", **given}
    answer = client.post(reverse("admin:mailstack_suppression_add"), values)
    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    assert list(stores.suppressions.iterate()) == []


def test_weaker_suppression_replaces_nothing(client: Client, stores: SqlStores):
    stores.suppressions.put(Suppression("ada@example.com", "manual", detail="first"))
    values = {"address": "ada@example.com", "reason": "bounce", "expires_at_0": "", "expires_at_1": ""}
    answer = client.post(reverse("admin:mailstack_suppression_add"), values, follow=True)
    assert "does not replace" in answer.content.decode()
    assert stores.suppressions.get_many(["ada@example.com"])["ada@example.com"].detail == "first"


def test_history_is_shown(client: Client, stores: SqlStores):
    stores.suppressions.put(Suppression("ada@example.com", "bounce", detail="mailbox full"))
    stores.suppressions.remove("ada@example.com", actor="eve", why="<b>called</b>")
    stores.suppressions.put(Suppression("ada@example.com", "complaint"))
    text = page(client, "admin:mailstack_suppression_change", row_of(stores, "ada@example.com").pk)
    assert all(words in text for words in ("mailbox full", "removed (bounce) eve &lt;b&gt;called", "added (complaint)"))


@pytest.mark.parametrize("way", ["one", "several"])
def test_removal_is_remembered(client: Client, stores: SqlStores, way: str):
    stores.suppressions.put(Suppression("ada@example.com", "bounce", created_at=NOW))
    row = row_of(stores, "ada@example.com")
    if way == "one":
        client.post(reverse("admin:mailstack_suppression_delete", args=(row.pk,)), {"post": "yes"})
    else:
        client.post(reverse(LIST), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert stores.suppressions.get_many(["ada@example.com"]) == {}
    assert not stores.suppressions.put(Suppression("ada@example.com", "bounce", created_at=NOW))
    assert stores.suppressions.history("ada@example.com")[-1].actor == "grace in the admin"


@pytest.mark.parametrize("stores", ["encrypted"], indirect=True)
def test_erased_address_stays_suppressed(client: Client, stores: SqlStores):
    stores.suppressions.put(Suppression("ada@example.com", "bounce"))
    stores.erase("ada@example.com")
    row = row_of(stores, "ada@example.com")
    assert "erased" in page(client, LIST)
    assert "erased" in page(client, "admin:mailstack_suppression_change", row.pk)
    assert (
        client.post(reverse("admin:mailstack_suppression_delete", args=(row.pk,)), {"post": "yes"}).status_code == 403
    )


def entry(kind: str, key: str, **values: Any) -> LogEntry:
    given: dict[str, Any] = {
        "recipient": "ada@example.com",
        "at": NOW,
        "sent_at": datetime.now(UTC),
        "id": "mail-1",
        "message_id": "ses-1",
    }
    return LogEntry(key=key, kind=kind, **{**given, **values})


def test_log_shows_the_timeline(client: Client, stores: SqlStores):
    bounce = entry("Bounce", "2", category="Permanent NoEmail", code="5.1.1")
    stores.log.add([entry("Send", "1"), bounce, entry("Send", "3", recipient="bob@example.com", id="mail-2")])
    text = page(client, "admin:mailstack_logentry_changelist", q="ada@example.com")
    assert ("ada@example.com" in text, "bob@example.com" in text) == (True, False)
    for id_ in ("mail-1", "ses-1"):
        assert "ada@example.com" in page(client, "admin:mailstack_logentry_changelist", q=id_)
    row = models.LogEntry.objects.get(key="2")
    text = page(client, "admin:mailstack_logentry_change", row.pk)
    first, second = text.partition('<ol class="timeline">')[2].partition("</ol>")[0].split("<li>")[1:]
    assert ("Amazon SES" in first, "there is no such mailbox" in second) == (True, True)


def test_log_cannot_be_changed(client: Client, stores: SqlStores):
    stores.log.add([entry("Send", "1")])
    row = models.LogEntry.objects.get()
    assert client.get(reverse("admin:mailstack_logentry_add")).status_code == 403
    for name in ("change", "delete"):
        address = reverse(f"admin:mailstack_logentry_{name}", args=(row.pk,))
        assert client.post(address, {"post": "yes"}).status_code == 403


def test_anonymous_visitor_sees_nothing(stores: SqlStores):
    stores.suppressions.put(Suppression("ada@example.com", "bounce"))
    answer = Client().get(reverse(LIST))
    assert (answer.status_code, answer.content) == (302, b"")


@pytest.mark.parametrize("setting", [{"STACK": "test"}, {"STREM": "x"}, None])
def test_pages_are_there_for_tables_in_use(setting: Any):
    site = admin.AdminSite()
    with override_settings(MAILSTACK=setting):
        ours.register(site)
    assert not site.is_registered(models.Suppression)


@pytest.fixture
def enqueued(stores: SqlStores) -> list[str]:
    """Three mails in the outbox; the relay has given up the third."""
    mailer = Mailer(stack_outputs(), transport=Outbox(), store=stores, rate=False)
    names = ("ada", "bob", "eve")
    mails = [Message(subject="Secret subject", text="Text", to=f"{name}@example.com") for name in names]
    ids = [mailer.enqueue(mail, connection=None).id for mail in mails]
    models.OutboxMail.objects.filter(pk=ids[2]).update(status="dead", reason="refused")
    return ids


def decide(client: Client, action: str, ids: list[str]) -> list[str]:
    client.post(reverse("admin:mailstack_outboxmail_changelist"), {"action": action, "_selected_action": ids})
    return [models.OutboxMail.objects.get(pk=id_).status for id_ in ids]


def test_outbox_shows_what_failed_without_contents(client: Client, enqueued: list[str]):
    text = page(client, "admin:mailstack_outboxmail_changelist", status="dead")
    assert (enqueued[2] in text, enqueued[0] in text, "refused" in text) == (True, False, True)
    text = page(client, "admin:mailstack_outboxmail_change", enqueued[0])
    assert ("Secret subject" in text, "ada@example.com" in text) == (False, False)


def test_outbox_is_searched_by_id_and_address(client: Client, enqueued: list[str]):
    for term in (enqueued[0], "Ada@Example.com"):
        text = page(client, "admin:mailstack_outboxmail_changelist", q=term)
        assert (enqueued[0] in text, enqueued[1] in text) == (True, False)
    assert enqueued[0] not in page(client, "admin:mailstack_outboxmail_changelist", q="nobody@example.com")


def test_mail_of_the_outbox_is_sent_again_or_cancelled(client: Client, enqueued: list[str]):
    assert decide(client, "send_again", enqueued) == ["pending"] * 3
    assert decide(client, "cancel", enqueued[:1]) == ["cancelled"]


def test_mail_that_is_gone_sends_no_other_again(client: Client, enqueued: list[str]):
    address = reverse("admin:mailstack_outboxmail_changelist")
    client.post(address, {"action": "send_again", "_selected_action": ["gone"]})
    assert models.OutboxMail.objects.get(pk=enqueued[2]).status == "dead"


def test_outbox_is_decided_by_those_who_may_change_it(client: Client, enqueued: list[str]):
    User.objects.create_user("hal", "hal@example.com", "x", is_staff=True)
    hal = User.objects.get(username="hal")
    hal.user_permissions.add(Permission.objects.get(codename="view_outboxmail"))
    client.force_login(hal)
    assert enqueued[0] in page(client, "admin:mailstack_outboxmail_changelist")
    assert decide(client, "cancel", enqueued[:1]) == ["pending"]


@pytest.fixture
def issued(stores: SqlStores) -> Verification:
    """A code that waits, and a link that was used."""
    outbox = Outbox()
    keys = VerificationKeys.parse([new_verification_key()])
    verification = Verification(outbox.mailer, store=stores.tokens, keys=keys)
    verification.send_code(SIGN_IN, "ada@example.com", account="7")
    verification.send_link(SIGN_UP, "bob@example.com", url="https://app.example.com/{token}", account="8")
    verification.close()
    (link,) = re.findall(r"app\.example\.com/([\w-]+)", "".join(mail.text for mail in outbox))
    assert verification.use_link(SIGN_UP, link).ok
    return verification


@pytest.mark.parametrize("model", ["verificationtoken", "tokenevent"])
def test_tokens_are_found_by_address_and_serial(client: Client, issued: Verification, model: str):
    everything = page(client, f"admin:mailstack_{model}_changelist")
    assert ("ada@example.com" in everything, "bob@example.com" in everything) == (True, True)
    serial = models.VerificationToken.objects.get(purpose="sign-in").serial
    for term in ("Ada@Example.com", serial):
        text = page(client, f"admin:mailstack_{model}_changelist", q=term)
        assert ("ada@example.com" in text, "bob@example.com" in text) == (True, False)


def test_token_shows_its_use_and_no_hash(client: Client, issued: Verification):
    token = models.VerificationToken.objects.get(purpose="sign-up")
    text = page(client, "admin:mailstack_verificationtoken_change", token.pk)
    assert all(words in text for words in ("bob@example.com", token.serial, "other", "8"))
    assert token.digest not in text


def test_audit_of_tokens_shows_each_event(client: Client, issued: Verification):
    issued.check_code(SIGN_IN, "ada@example.com", "000000")
    actions = set(models.TokenEvent.objects.values_list("action", flat=True))
    assert actions == {"issued", "used", "failed"}
    event = models.TokenEvent.objects.get(action="used")
    assert "bob@example.com" in page(client, "admin:mailstack_tokenevent_change", event.pk)
    assert "ada@example.com" not in page(client, "admin:mailstack_tokenevent_changelist", action="used")


@pytest.mark.parametrize("model", ["verificationtoken", "tokenevent"])
def test_tokens_cannot_be_changed(client: Client, issued: Verification, model: str):
    row = getattr(models, {"verificationtoken": "VerificationToken", "tokenevent": "TokenEvent"}[model]).objects.first()
    assert client.get(reverse(f"admin:mailstack_{model}_add")).status_code == 403
    for name in ("change", "delete"):
        address = reverse(f"admin:mailstack_{model}_{name}", args=(row.pk,))
        assert client.post(address, {"post": "yes"}).status_code == 403
