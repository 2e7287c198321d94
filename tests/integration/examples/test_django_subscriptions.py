"""The example of Django, behind a real server: accounts, recovery, watched items, deletion, outages of mail."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from urllib.parse import urlsplit

import httpx
import pytest

from mailer import SqlStores, Suppression
from mailstack_localcloud import LocalCloud
from tests.integration.examples.subscriptions_site import ADMIN, PASSWORD, Account, Person, Site, subscriptions_site
from tests.postgresql import PostgreSQL
from tests.waiting import eventually

pytestmark = pytest.mark.integration
NEW = "another pass phrase"


@pytest.fixture(scope="module")
def site(shared_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with subscriptions_site(shared_cloud, tmp_path_factory.mktemp("subscriptions")) as running:
        yield running


def test_registered_person_is_welcomed(site: Site):
    with site.registered("Ada") as (_, account):
        mail = site.mail(account.email, "Welcome to Signals")
        assert "Hello Ada" in mail.text
        assert f"{site.url}/account/" in mail.links
        eventually(
            lambda: site.log(f"Mail .* to user {account.number}") or site.log(f"to user {account.number} was"), ""
        )
        eventually(lambda: site.log("welcome to p***@example.com: sent"), "the log says nothing")
        assert site.log(account.email) == []


def test_refused_registration_sends_no_mail(site: Site):
    with site.person() as person:
        form = {"username": "bob", "first_name": "Bob", "password1": PASSWORD, "password2": PASSWORD}
        for name in ("", "b b", "b\x00b"):
            answer = person.post("/register/", **{**form, "username": name}, email="bob@example.com")
            assert (answer.status_code, "errorlist" in answer.text) == (200, True)
        for email in ("bob@", "bob@example.com\r\nBcc: eve@example.com", "b\u00f6b@example.com"):
            assert "errorlist" in person.post("/register/", **form, email=email).text
        assert "errorlist" in person.post("/register/", **{**form, "password2": "x"}, email="bob@example.com").text
    assert site.rows("SELECT id FROM auth_user WHERE username = 'bob'") == []


def register_form(name: str, **changed: str) -> dict[str, str]:
    form = {"username": name, "first_name": "Ada", "email": f"{name}@example.com"}
    return {**form, "password1": PASSWORD, "password2": PASSWORD, **changed}


def test_form_sent_twice_registers_once(site: Site):
    with site.person() as person, site.person() as again:
        pages = [one.get("/register/").text for one in (person, again)]
        for one, page in zip((person, again), pages, strict=True):
            assert one.send("/register/", page, **register_form("twice")).url.path == "/account/"
            assert "Hello Ada" in one.get("/account/").text
    assert len(site.rows("SELECT id FROM auth_user WHERE username = 'twice'")) == 1
    assert not site.absent("twice@example.com")
    assert len(site.mails("twice@example.com")) == 1


def test_forms_sent_at_once_register_once(site: Site):
    def send(name: str) -> str:
        with site.person() as person:
            page = person.get("/register/").text
            gate.wait()
            return person.send("/register/", page, **register_form(name)).url.path

    for number in range(3):
        gate, name = Barrier(4), f"atonce{number}"
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(send, [name] * 4)) == ["/account/"] * 4
        assert not site.absent(f"{name}@example.com")
        assert len(site.mails(f"{name}@example.com")) == 1
    assert site.mails("errors@example.test") == []


def test_second_click_after_the_first_signed_in_is_harmless(site: Site):
    with site.person() as person:
        page = person.get("/register/").text
        for _ in range(2):  # Django has another CSRF token after the first
            assert person.send("/register/", page, **register_form("clicks")).url.path == "/account/"
        person.sign_out()
        page = person.get("/login/").text
        for _ in range(2):
            assert person.send("/login/", page, username="clicks", password=PASSWORD).url.path == "/account/"
        answer = person.send("/account/delete/", page, password=PASSWORD)
        assert (answer.status_code, "This page is too old" in answer.text) == (403, True)
        person.sign_out()
        assert person.send("/register/", page, **register_form("clicks2")).status_code == 403
    assert len(site.rows("SELECT id FROM auth_user WHERE username LIKE 'clicks%'")) == 1
    assert not site.absent("clicks@example.com")
    assert len(site.mails("clicks@example.com")) == 1


@pytest.mark.parametrize("changed", ["password", "email", "is_active"])
def test_taken_user_name_is_refused_to_others(site: Site, changed: str):
    name = f"taken{changed}"
    with site.person() as person, site.person() as other:
        person.post("/register/", **register_form(name))
        if changed == "is_active":
            site.rows("UPDATE auth_user SET is_active = false WHERE username = ?", name)
        different = {"password": {"password1": NEW, "password2": NEW}, "email": {"email": "eve@example.com"}}
        answer = other.post("/register/", **register_form(name, **different.get(changed, {})))
        assert (answer.url.path, "A user with that username already exists." in answer.text) == ("/register/", True)
        assert other.get("/account/").url.path == "/login/"


def test_changed_password_is_confirmed(site: Site):
    with site.registered() as (person, account):
        wrong = person.post("/account/password/", old_password="x", new_password1=NEW, new_password2=NEW)
        assert "errorlist" in wrong.text
        answer = person.post("/account/password/", old_password=PASSWORD, new_password1=NEW, new_password2=NEW)
        assert "Your password was changed." in answer.text
        mail = site.mail(account.email, "Your Signals password was changed")
        assert f"{site.url}/password-reset/" in mail.links
        assert len(site.mails(account.email, "password")) == 1


def reset_link(site: Site, account: Account, count: int = 1) -> str:
    mail = site.mail(account.email, "Choose a new Signals password", count)
    return next(urlsplit(link).path for link in mail.links if "/reset/" in link)


def test_password_is_reset_by_a_link(site: Site):
    with site.registered() as (_, account), site.person() as person:
        assert "Look into your inbox" in person.post("/password-reset/", email=account.email.upper()).text
        link = reset_link(site, account)
        form = person.get(link)
        assert str(form.url).endswith("/set-password/")
        answer = person.post(form.url.path, new_password1=NEW, new_password2=NEW)
        assert "Sign in with the new one." in answer.text
        site.mail(account.email, "Your Signals password was changed")
        assert "errorlist" in person.sign_in(account.name).text
        assert person.sign_in(account.name, NEW).url.path == "/account/"
        assert "not valid any more" in person.get(link).text


def test_opened_reset_link_changes_nothing(site: Site):
    with site.registered() as (_, account), site.person() as scanner, site.person() as person:
        person.post("/password-reset/", email=account.email)
        link = reset_link(site, account)
        assert [scanner.get(link).status_code for _ in range(3)] == [200, 200, 200]
        assert "Choose a new password" in person.get(link).text
        assert person.sign_in(account.name).url.path == "/account/"


def test_link_of_a_mail_does_not_follow_the_host_header(site: Site):
    with site.registered() as (_, account), site.person() as person:
        person.get("/password-reset/")
        token = person.client.cookies["csrftoken"]
        form = {"csrfmiddlewaretoken": token, "email": account.email}
        answer = person.client.post("/password-reset/", data=form, headers={"host": "evil.test"})
        assert answer.status_code == 400
        assert site.absent(account.email, "Choose a new")


@pytest.mark.parametrize("path", ["/password-reset/", "/forgot-username/"])
def test_answer_does_not_reveal_whether_an_address_is_known(site: Site, path: str):
    with site.registered() as (_, account), site.person() as person:
        answers = [person.post(path, email=email) for email in (account.email, "nobody@example.com")]
        assert answers[0].text == answers[1].text
        assert answers[0].url == answers[1].url
        site.mail(account.email, "Signals")
        assert site.absent("nobody@example.com")


def test_forgotten_user_names_come_in_one_mail(site: Site):
    with site.registered() as (_, first), site.person() as person:
        second = person.register(email=first.email)
        person.sign_out()
        person.post("/forgot-username/", email=first.email)
        mail = site.mail(first.email, "Your Signals user name")
        assert first.name in mail.text
        assert second.name in mail.text
        assert second.name in mail.html
        assert f"{site.url}/login/" in mail.links


def test_mails_to_one_address_are_limited(site: Site):
    with site.registered() as (_, account), site.person() as person:
        answers = [person.post("/forgot-username/", email=account.email) for _ in range(6)]
        assert {answer.text for answer in answers} == {answers[0].text}
        # One of five was the welcome.
        site.mail(account.email, "user name", 4)
        given = {"username": f"{account.name}b", "first_name": "Bob", "email": account.email}
        refused = person.post("/register/", **given, password1=PASSWORD, password2=PASSWORD)
        assert "Too many mails" in refused.text
        person.post("/forgot-username/", email="other@example.com")
    assert site.absent(account.email, "no such mail")
    assert len(site.mails(account.email, "user name")) == 4


def test_watchers_get_mail_about_a_changed_status(site: Site):
    with site.registered("Ada") as (ada, watcher), site.registered("Bob") as (bob, other), site.person() as admin:
        ada.post("/items/ALPHA/watch/", page="/items/", watch="")
        for word in ("watch", "stop"):
            bob.post("/items/ALPHA/watch/", page="/items/", **{word: ""})
        assert "First example" in ada.get("/account/").text
        admin.sign_in("admin", ADMIN)
        answer = admin.change_status("ALPHA", "SELL", "The price has passed the target.")
        assert "Mails about the new status: 1." in answer.text
        mail = site.mail(watcher.email, "ALPHA: BUY → SELL")
        assert "The price has passed the target." in mail.text
        assert "The price has passed the target." in mail.html
        admin.change_status("ALPHA", "SELL", "Another reason.")
        admin.change_status("ALPHA", "BUY")
        site.mail(watcher.email, "ALPHA: SELL → BUY")
        assert len(site.mails(watcher.email, "ALPHA")) == 2
        assert site.absent(other.email, "ALPHA")


def test_deleted_account_gets_a_last_mail(site: Site):
    with site.registered() as (person, account):
        assert "not your password" in person.post("/account/delete/", password="x").text
        answer = person.post("/account/delete/", password=PASSWORD)
        assert "Your account was deleted." in answer.text
        site.mail(account.email, "Your Signals account was deleted")
        assert site.rows("SELECT id FROM auth_user WHERE id = ?", account.number) == []
        assert "errorlist" in person.sign_in(account.name).text


def test_paid_subscription_prevents_deletion(site: Site):
    with site.registered() as (person, account):
        site.send_event("checkout", account)
        assert "Cancel your subscription first" in person.get("/account/delete/").text
        site.send_event("cancelled", account)
        answer = person.post("/account/delete/", password=PASSWORD)
        assert "Your account was deleted." in answer.text
        assert site.send_event("ended", account).status_code == 200
        eventually(lambda: site.log("belongs to no user"), "the log says nothing")


def change_password(person: Person, old: str, new: str) -> httpx.Response:
    return person.post("/account/password/", old_password=old, new_password1=new, new_password2=new)


def test_pages_work_while_ses_throttles(site: Site):
    with site.registered() as (person, account):
        with site.ses.fault("throttle", operation="SendEmail", recipient=account.email) as fault:
            assert "Your password was changed." in change_password(person, PASSWORD, NEW).text
            eventually(lambda: site.log("password_changed to p***@example.com: throttled"), "nothing was logged")
            assert fault.struck > 0
        site.mail(account.email, "password was changed")


def test_refused_mail_is_logged_and_breaks_no_page(site: Site):
    with site.registered() as (person, account):
        refusal = site.ses.fault("error", operation="SendEmail", recipient=account.email, code="MessageRejected")
        with refusal:
            assert "Your password was changed." in change_password(person, PASSWORD, NEW).text
            eventually(lambda: site.log("ERROR security password_changed to p***@example.com: refused"), "no log")
    assert site.absent(account.email, "password")
    assert site.log(account.email) == []


def test_mail_that_cannot_be_written_breaks_no_page(site: Site):
    with site.registered() as (person, account):
        site.rows("UPDATE auth_user SET email = '' WHERE id = ?", account.number)
        assert "Your password was changed." in change_password(person, PASSWORD, NEW).text
        (line,) = site.log(f"Mail to user {account.number} was not written")
        assert "ERROR" in line
        assert "has no address" in line
        person.sign_out()
        assert person.sign_in(account.name, NEW).url.path == "/account/"


def test_suppressed_address_breaks_no_page(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_STORE_KEYS", site.variables["MAILSTACK_STORE_KEYS"])
    with site.registered() as (person, account):
        stores = SqlStores(f"sqlite:///{site.variables['DATABASE']}?migrate=no")
        stores.suppressions.put(Suppression(account.email, "bounce"))
        stores.close()
        assert "Your password was changed." in change_password(person, PASSWORD, NEW).text
        eventually(lambda: site.log("password_changed to p***@example.com: suppressed"), "nothing was logged")
    assert site.absent(account.email, "password")


def test_names_are_escaped(site: Site):
    with site.registered('<img src=x onerror="alert(1)">') as (person, account):
        assert "<img" not in person.get("/account/").text
        assert "<img src=x" not in site.mail(account.email, "Welcome").html


def test_pages_need_a_session(site: Site):
    with site.person() as nobody:
        for path in ("/account/", "/account/password/", "/account/delete/", "/items/", "/test-events/"):
            assert nobody.get(path).url.path == "/login/"


def test_watching_with_an_ended_session_leads_back_to_the_items(site: Site):
    with site.registered() as (person, account):
        page = person.get("/items/").text
        person.sign_out()
        answer = person.send("/items/ALPHA/watch/", page, watch="")
        assert answer.url.path == "/login/"
        assert person.post(str(answer.url), username=account.name, password=PASSWORD).url.path == "/items/"


def test_page_that_is_not_there_looks_like_the_others(site: Site):
    with site.person() as person:
        answer = person.get("/nothing/")
        assert (answer.status_code, "There is no such page" in answer.text) == (404, True)


def test_home_page_of_a_signed_in_user_offers_no_sign_in(site: Site):
    with site.registered() as (person, _):
        assert 'href="/register/"' not in person.get("/").text


def test_forms_of_other_sites_are_refused(site: Site):
    with site.registered() as (person, account):
        answer = person.client.post("/account/delete/", data={"password": PASSWORD})
        assert (answer.status_code, "This page is too old" in answer.text) == (403, True)
        assert site.rows("SELECT id FROM auth_user WHERE id = ?", account.number) != []


def test_pages_have_headers_of_security(site: Site):
    with site.person() as person:
        headers = person.get("/login/").headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert re.search("SameSite=Lax", str(headers["set-cookie"]))


def test_application_runs_on_postgresql(shared_cloud: LocalCloud, tmp_path: Path, postgresql: PostgreSQL):
    postgresql.execute("CREATE DATABASE signals")
    server = urlsplit(postgresql.url)
    variables = {
        "PGDATABASE": "signals",
        "PGHOST": str(server.hostname),
        "PGPORT": str(server.port),
        "PGUSER": str(server.username),
        "PGPASSWORD": str(server.password),
    }
    with subscriptions_site(shared_cloud, tmp_path, **variables) as site, site.registered() as (person, account):
        assert site.send_event("checkout", account).status_code == 200
        site.mail(account.email, "Your payment of €12.50 to Signals")
        assert "Solo" in person.get("/account/").text
        site.send_event("cancelled", account)
        assert "Your account was deleted." in person.post("/account/delete/", password=PASSWORD).text
        site.mail(account.email, "account was deleted")
    postgresql.execute("DROP DATABASE signals WITH (FORCE)")
