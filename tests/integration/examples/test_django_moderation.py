"""The example of moderation with Django, behind a real server: accounts, submissions, decisions, limits, commands."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from babel.messages.pofile import read_po

from mailstack_localcloud import LocalCloud
from tests.integration.examples.moderation_site import ADMIN, PASSWORD, REVIEWER, Server, Site, server_on, site_of
from tests.processes import child
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "examples" / "django_moderation"
ADA, BOB = "ada@example.com", "bob@example.com"
NEPALI = re.compile(r"[\u0900-\u097f]")
CONFIRM, REVIEW = "Confirm your e-mail address", "To review"
NEW = "another pass phrase"


@pytest.fixture(scope="module")
def server(shared_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_on(shared_cloud, tmp_path_factory.mktemp("moderation")) as running:
        yield running


@pytest.fixture
def site(server: Server, cloud: LocalCloud) -> Site:
    return site_of(server, cloud)


def test_candidate_signs_up_submits_and_is_approved(site: Site):
    with site.candidate(ADA) as ada, site.administrator() as admin:
        assert "Welcome" in site.mail(ADA, "Welcome").subject
        assert "Waiting for a decision" in ada.submit().text
        assert "status" in site.mail(ADA, "We have received").text
        for address in (ADMIN, REVIEWER):
            assert len(site.mail(address, REVIEW).to) == 1
        link = site.link(ADMIN, "/approve")
        assert "Clean water." in admin.get(link).text
        assert "Your decision was sent" in admin.post(link).text
        public = site.link(ADA, "/candidates/")
        with site.person() as anybody:
            assert "Clean water." in anybody.get(public).text
            assert "Ada Lovelace" in anybody.get("/").text


def test_rejected_candidate_revises_and_submits_again(site: Site):
    with site.candidate(ADA) as ada, site.administrator() as admin:
        ada.submit()
        answer = admin.post(site.link(ADMIN, "/reject"), notes="Name your sources.\n\nBe <b>brief</b>.")
        assert "Your decision was sent" in answer.text
        mail = site.mail(ADA, "Please revise")
        assert all(words in mail.text for words in ("Name your sources.", "Be <b>brief</b>."))
        assert "<b>brief</b>" not in mail.html
        assert "Name your sources." in ada.get("/candidacy").text
        ada.submit(statement="Clean water, by source.")
        assert "Clean water, by source." in admin.get(site.link(ADMIN, "/approve", earlier=1)).text
        assert len(site.mails(ADA, "We have received")) == 2


def test_rejection_needs_notes(site: Site):
    with site.candidate(ADA) as ada, site.administrator() as admin:
        ada.submit()
        assert admin.post(site.link(ADMIN, "/reject"), notes=" ").status_code == 422
        assert admin.post(site.link(ADMIN, "/reject"), notes="\n".join("abcdefghijklmnopqrstu")).status_code == 422
        assert site.mails(ADA, "Please revise") == []


def test_link_of_a_decision_needs_a_button_and_an_administrator(site: Site):
    with site.candidate(ADA) as ada, site.administrator() as admin, site.person() as anybody:
        ada.submit()
        link = site.link(ADMIN, "/approve")
        admin.get(link)
        assert "/sign-in" in str(anybody.get(link).url)
        refused = ada.get(link)
        assert refused.url.path == "/sign-in"
        assert "Your account may not open this page" in refused.text
        assert "Approve" in ada.post(str(refused.url), username=ADMIN, password=PASSWORD).text
        assert site.sql("SELECT status FROM moderation_candidate") == [("pending",)]


def test_first_of_two_administrators_decides(site: Site):
    with site.candidate(ADA) as ada, site.administrator() as one, site.administrator(REVIEWER) as other:
        ada.submit()
        link = site.link(ADMIN, "/approve")
        page = link.removesuffix("/approve")
        seen = other.get(page).text
        assert "Your decision was sent" in one.post(link).text
        refused = other.send(f"{page}/reject", seen, notes="Too late.")
        assert "Somebody has decided already" in refused.text
        assert site.mails(ADA, "Please revise") == []


def test_old_page_does_not_approve_what_was_submitted_since(site: Site):
    with site.candidate(ADA) as ada, site.administrator() as one, site.administrator(REVIEWER) as other:
        ada.submit()
        link = site.link(ADMIN, "/approve")
        seen = one.get(link).text
        other.post(link.replace("approve", "reject"), notes="Name your sources.")
        ada.submit(statement="Something else.")
        assert "Somebody has decided already" in one.send(link, seen).text
        assert site.sql("SELECT status, round FROM moderation_candidate") == [("pending", 2)]


def test_steps_are_taken_in_order_and_kept(site: Site):
    with site.candidate(ADA) as ada:
        assert ada.get("/candidacy/4").url.path == "/candidacy/1"
        assert ada.post("/candidacy/1", full_name="").status_code == 422
        ada.post("/candidacy/1", full_name="Ada Lovelace")
        assert ada.get("/candidacy/4").url.path == "/candidacy/2"
        assert ada.get("/candidacy/5").status_code == 404
        assert 'value="Ada Lovelace"' in ada.get("/candidacy/1").text
        assert ada.post("/candidacy/2", office="Mayor", district="Kaski").url.path == "/candidacy/3"
        ada.post("/candidacy/3", statement="Clean water.")
        assert ada.post("/candidacy/4").status_code == 422
        ada.post("/candidacy/4", is_true="on")
        assert ada.get("/candidacy/1").url.path == "/candidacy"


def test_account_is_not_active_before_the_address_is_verified(site: Site):
    with site.person() as ada:
        ada.post("/sign-up", name="Ada", email=ADA)
        link = site.link(ADA, "/verify/")
        assert ada.get(link).status_code == 200  # as a mail scanner does
        assert site.sql("SELECT is_active FROM moderation_user WHERE email = ?", ADA) == [(0,)]
        assert ada.choose_password(link, "short").status_code == 200
        assert ada.choose_password(link).url.path == "/candidacy"
        assert site.sql("SELECT is_active FROM moderation_user WHERE email = ?", ADA) == [(1,)]


def test_link_that_was_used_says_so(site: Site):
    with site.candidate(ADA) as ada:
        again = ada.get(site.link(ADA, "/verify/"))
        assert (again.status_code, "was used already" in again.text) == (200, True)


def test_expired_link_leads_to_a_new_one(site: Site):
    with site.person() as ada:
        ada.post("/sign-up", name="Ada", email=ADA)
        old = site.link(ADA, "/verify/")
        assert site.sql("SELECT round((julianday(expires_at) - julianday(issued_at)) * 24) FROM mailstack_tokens") == [
            (72.0,)
        ]
        site.sql("UPDATE mailstack_tokens SET expires_at = '2020-01-01 00:00:00'")
        late = ada.get(old)
        assert (late.status_code, "too old" in late.text, 'href="/resend"' in late.text) == (410, True, True)
        ada.post("/resend", email=ADA)
        new = site.link(ADA, "/verify/", earlier=1)
        assert ada.get(old).status_code == 404
        assert ada.choose_password(new).url.path == "/candidacy"


def test_unknown_link_is_refused(site: Site):
    with site.person() as ada:
        for token in ("nonsense", "A" * 54):
            for page in ("verify", "reset"):
                answer = ada.get(f"/{page}/{token}")
                assert (answer.status_code, "not valid" in answer.text) == (404, True)


def shown(answer: httpx.Response, address: str) -> tuple[int, str]:
    """Status and visible content of a page."""
    main = answer.text.partition("<main>")[2].partition("</main>")[0]
    return answer.status_code, main.replace(address, "ADDRESS")


@pytest.mark.parametrize("page", ["/resend", "/forgot", "/sign-up"])
def test_page_does_not_reveal_accounts(site: Site, page: str):
    with site.candidate(ADA), site.person() as anybody:
        answers = [shown(anybody.post(page, name="X", email=address), address) for address in (ADA, BOB)]
    assert answers[0] == answers[1]
    assert answers[0][0] == 200


def test_sign_up_with_an_account_gets_another_mail(site: Site):
    with site.candidate(ADA), site.person() as anybody:
        anybody.post("/sign-up", name="Mallory", email=ADA)
        assert "already have an account" in site.mail(ADA, "account").text.lower()
    assert site.sql("SELECT first_name FROM moderation_user WHERE email = ?", ADA) == [("Ada",)]


def test_address_without_an_account_gets_no_mail_again(site: Site):
    with site.person() as anybody:
        anybody.post("/resend", email=BOB)
        anybody.post("/forgot", email=BOB)
        anybody.post("/sign-up", name="Ada", email=ADA)
    site.link(ADA, "/verify/")  # the mails before it would have been sent
    assert site.mails(BOB) == []


def test_person_who_signs_up_twice_uses_the_newest_link(site: Site):
    with site.person() as ada:
        ada.post("/sign-up", name="Ada", email=ADA)
        old = site.link(ADA, "/verify/")
        ada.post("/sign-up", name="Ada L.", email="ADA@example.com")
        new = site.link(ADA, "/verify/", earlier=1)
        assert [ada.get(link).status_code for link in (old, new)] == [404, 200]
    assert site.sql("SELECT first_name FROM moderation_user WHERE NOT is_staff") == [("Ada L.",)]


def test_sixth_sign_up_of_a_client_waits(site: Site):
    with site.person() as crowd, site.person() as other:
        answers = [crowd.post("/sign-up", name="X", email=f"{number}@example.com") for number in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 3600
        assert "Try again in" in answers[-1].text
        assert other.post("/sign-up", name="X", email="6@example.com").status_code == 200
    assert site.sql("SELECT count(*) FROM moderation_user WHERE NOT is_staff") == [(6,)]


def test_sixth_sign_up_of_an_address_waits(site: Site):
    statuses: list[int] = []
    for _ in range(6):
        with site.person() as somebody:
            statuses.append(somebody.post("/sign-up", name="X", email=ADA).status_code)
    assert statuses == [200] * 5 + [429]


def test_invalid_sign_up_does_not_count(site: Site):
    with site.person() as ada:
        refused = [ada.post("/sign-up", name="Ada", email="nobody").status_code for _ in range(6)]
        assert refused == [422] * 6
        assert ada.post("/sign-up", name="Ada", email=ADA).status_code == 200


def test_password_is_reset_by_a_link_of_24_hours(site: Site):
    with site.candidate(ADA), site.person() as ada:
        ada.post("/forgot", email=ADA)
        link = site.link(ADA, "/reset/")
        assert "for 1 day and only once" in site.mail(ADA, "password").text
        hours = "round((julianday(expires_at) - julianday(issued_at)) * 24)"
        assert site.sql(f"SELECT {hours} FROM mailstack_tokens WHERE purpose = 'reset-password'") == [(24.0,)]  # noqa: S608
        assert "Your password was changed" in ada.choose_password(link, NEW).text
        assert site.mail(ADA, "password was changed")
        assert "was used already" in ada.get(link).text
        assert ada.sign_in(ADA).url.path == "/sign-in"
        assert ada.sign_in(ADA, NEW).url.path == "/candidacy"


def test_old_link_for_a_password_is_refused(site: Site):
    with site.candidate(ADA), site.person() as ada:
        ada.post("/forgot", email=ADA)
        link = site.link(ADA, "/reset/")
        site.sql("UPDATE mailstack_tokens SET expires_at = '2020-01-01 00:00:00'")
        answer = ada.get(link)
        assert (answer.status_code, 'href="/forgot"' in answer.text) == (410, True)


def test_deactivated_person_gets_no_link(site: Site):
    with site.candidate(ADA), site.person() as ada:
        site.sql("UPDATE moderation_user SET is_active = 0 WHERE email = ?", ADA)
        before = len(site.mails(ADA))
        for page in ("/resend", "/forgot"):
            ada.post(page, email=ADA)
        ada.post("/sign-up", name="Bob", email=BOB)
        site.link(BOB, "/verify/")
        assert len(site.mails(ADA)) == before


def test_each_person_gets_mail_in_their_language(site: Site):
    site.sql("UPDATE moderation_user SET language = 'ne' WHERE email = ?", REVIEWER)
    with site.person(**{"accept-language": "ne"}) as ada:
        page = ada.get("/sign-up")
        assert ('lang="ne"' in page.text, "उम्मेदवार" in page.text) == (True, True)
        ada.post("/sign-up", name="Ada", email=ADA)
        ada.choose_password(site.link(ADA, "/verify/"))
        ada.submit()
        site.mail(REVIEWER, "Ada Lovelace")
        assert [bool(NEPALI.search(mail.subject)) for mail in site.mails(ADA)] == [True] * 3
        assert (REVIEW in site.mail(ADMIN, "").subject, bool(NEPALI.search(site.mail(REVIEWER, "").subject))) == (
            True,
            True,
        )


def test_language_is_chosen_on_each_page(site: Site):
    with site.person() as ada:
        assert "Sign up as a candidate" in ada.get("/").text
        ada.post("/i18n/setlang/", form_of="/", language="ne")
        assert "उम्मेदवारका रूपमा" in ada.get("/").text


# Words of Django's forms that it has not translated into Nepali itself.
OF_DJANGO = {
    "Your password can\u2019t be a commonly used password.",
    "Your password can\u2019t be too similar to your other personal information.",
    "The two password fields didn\u2019t match.",
}


def test_words_of_the_pages_are_in_nepali():
    used = set[str]()
    for page in FOLDER.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        used |= set(re.findall(r'{% translate "([^"]+)" %}', text))
        used |= {
            re.sub(r"{{ (\w+) }}", r"%(\1)s", words)
            for words in re.findall(r"{% blocktranslate %}(.*?){% endblocktranslate %}", text)
        }
    for file in FOLDER.glob("*.py"):
        used |= set(re.findall(r'\b_\("([^"]+)"\)', file.read_text(encoding="utf-8")))
    with (FOLDER / "locale/ne/LC_MESSAGES/django.po").open("rb") as file:
        words = {str(one.id): str(one.string) for one in read_po(file) if one.id}
    assert used | OF_DJANGO == set(words)
    assert [word for word, translated in words.items() if not NEPALI.search(translated)] == []


SUBMISSIONS = """
from django.db import transaction
from examples.django_moderation.decisions import submit
from examples.django_moderation.models import Candidate
candidate = Candidate.objects.get()
with transaction.atomic():
    assert submit(candidate.pk)
    transaction.set_rollback(True)
candidate.refresh_from_db()
print(candidate.status, candidate.round)
print([submit(candidate.pk) for _ in range(2)])
"""


def fill_in(site: Site) -> None:
    site.sql("UPDATE moderation_candidate SET full_name = 'Ada Lovelace', office = 'Mayor'")


def test_rollback_sends_nothing_and_a_submission_once(site: Site):
    with site.candidate(ADA):
        fill_in(site)
    assert site.manage("shell", "-c", SUBMISSIONS).splitlines()[-2:] == ["draft 0", "[True, False]"]
    assert [len(site.mails(address, "Ada Lovelace")) for address in (ADA, ADMIN, REVIEWER)] == [1, 1, 1]


def test_mails_wait_in_the_outbox_by_setting(site: Site):
    with site.candidate(ADA):
        fill_in(site)
    site.manage("shell", "-c", SUBMISSIONS, OUTBOX="yes")
    assert site.mails(ADMIN) == []
    assert "3 mails were tried" in site.manage("mailer_outbox", "--drain", OUTBOX="yes")
    assert [len(site.mails(address, "Ada Lovelace")) for address in (ADA, ADMIN, REVIEWER)] == [1, 1, 1]


def test_outage_of_mail_does_not_break_a_page(site: Site):
    with site.candidate(ADA) as ada, site.ses.fault("error", code="AccessDeniedException", operation="SendEmail"):
        assert "Waiting for a decision" in ada.submit().text
    assert site.sql("SELECT status FROM moderation_candidate") == [("pending",)]
    assert "ERROR candidates.emails submission_to_review: refused" in site.log


def test_suppressed_administrator_does_not_stop_the_others(site: Site, cloud: LocalCloud):
    site.ses.subscribe(f"{site.url}/mail/webhooks/ses")
    site.ses.behave(ADMIN, "bounce")
    with site.candidate(ADA) as ada:
        ada.submit()
        eventually(lambda: site.sql("SELECT 1 FROM mailstack_suppressions"), "the bounce did not arrive")
        site.sql("UPDATE moderation_candidate SET status = 'rejected'")
        ada.submit()
        site.link(REVIEWER, "/approve", earlier=1)
    assert len(site.mails(ADMIN, REVIEW)) == 1


COUNTED = ("accounts that wait for verification", "links: sign-up issued", "links: sign-up used", "candidates: pending")


def test_commands_send_again_clean_up_and_count(site: Site, cloud: LocalCloud):
    site.ses.subscribe(f"{site.url}/mail/webhooks/ses")
    with site.person() as ada:
        ada.post("/sign-up", name="Ada", email=ADA)
        old = site.link(ADA, "/verify/")
        assert "1 of 1 users get a new link" in site.manage("mailer_resend_verification", ADA)
        new = site.link(ADA, "/verify/", earlier=1)
        assert ada.get(old).status_code == 404
        ada.choose_password(new)
        ada.submit()
        ada.post("/sign-up", name="Bob", email=BOB)
        site.link(BOB, "/verify/")
    eventually(lambda: site.sql("SELECT 1 FROM mailstack_messages WHERE kind = 'Delivery'"), "no delivery arrived")
    found = json.loads(site.manage("mail_report", "--json"))
    assert {name: found[name] for name in COUNTED} == {
        "accounts that wait for verification": 1,
        "links: sign-up issued": 3,
        "links: sign-up used": 1,
        "candidates: pending": 1,
    }
    assert found["mails: submission_to_review sent"] == 2
    assert found["seconds sending a mail: median"] > 0
    assert "seconds until a mail server accepts it: 95 %" in found
    site.sql("UPDATE mailstack_tokens SET expires_at = '2020-01-01 00:00:00'")
    assert json.loads(site.manage("mailer_cleanup", "--json"))["tokens"] == 2
    assert site.sql("SELECT * FROM mailstack_tokens") == []


def test_admin_shows_the_audit_of_links(site: Site):
    with site.candidate(ADA), site.administrator() as admin:
        audit = admin.get("/admin/mailstack/tokenevent/")
        assert (audit.status_code, ADA in audit.text) == (200, True)
        for page in ("moderation/user", "moderation/candidate", "mailstack/verificationtoken", "mailstack/outboxmail"):
            assert admin.get(f"/admin/{page}/").status_code == 200


def test_migrations_of_the_example_are_complete(site: Site):
    assert "No changes detected" in site.manage("makemigrations", "--check", "--dry-run")


def test_one_command_runs_the_example(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "examples.django_moderation", "--port", str(port)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    out = tmp_path / "out"
    with out.open("wb") as file, child(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file)) as run:
        eventually(lambda: "Ctrl-C ends it" in out.read_text(), "the example does not start")
        assert "Who runs for office" in httpx.get(f"http://127.0.0.1:{port}/").text
        run.terminate()
        assert run.wait(PATIENCE) == 0
    assert PASSWORD not in out.read_text()
