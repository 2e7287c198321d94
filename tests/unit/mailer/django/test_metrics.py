"""The metrics in a Django project: its users and permissions decide who reads and who removes."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings
from django.urls import reverse

from mailer import Suppression
from mailer.django import process
from mailer.django.config import config
from mailer.webhooks.account_quota import AccountQuota
from tests.unit.mailer.stack_outputs import outputs

ADA = "ada@example.org"
READ, REMOVE = ("view_suppression", "view_logentry"), "delete_suppression"


@pytest.fixture(autouse=True)
def project(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs().to_json())
    monkeypatch.setattr(AccountQuota, "_ask", lambda _: {"sent_last_24_hours": 5.0})
    process.forget_mailer()
    with override_settings(MAILSTACK={"STACK": outputs().stack, "STORE": "django"}):
        yield
    process.forget_mailer()


def client(*permissions: str, checks_csrf: bool = False) -> Client:
    user = User.objects.create_user("grace", password="of tests alone")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions, content_type__app_label="mailstack"))
    made = Client(enforce_csrf_checks=checks_csrf)
    made.force_login(user)
    return made


def suppressions() -> Any:
    return process.stores_of(config()).suppressions


def suppress() -> str:
    suppressions().put(Suppression(ADA, "manual", scope="stream:news"))
    return f"{reverse('mailstack:suppression', args=[ADA])}?why=asked+again&scope=stream:news"


def test_visitor_is_sent_to_the_login_page():
    answer = Client().get(reverse("mailstack:metrics"))
    assert (answer.status_code, answer["location"]) == (302, "/accounts/login/?next=/metrics/email")


@pytest.mark.parametrize("part", ["summary", "bounces", "complaints", "suppressions", "quota"])
def test_numbers_need_both_permissions(part: str):
    address = reverse("mailstack:metrics_part", args=[part])
    assert Client().get(address).status_code == 403
    reader = client(READ[0])
    assert reader.get(address).status_code == 403
    user = User.objects.get()
    user.user_permissions.set(Permission.objects.filter(codename__in=READ, content_type__app_label="mailstack"))
    assert reader.get(address).status_code == 200


def test_page_asks_for_no_key():
    answer = client(*READ).get(reverse("mailstack:metrics"))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'data-session="yes"' in text
    assert 'id="key"' not in text
    assert client_script().startswith(b'"use strict"')


def client_script() -> bytes:
    return Client().get(reverse("mailstack:metrics_part", args=["page.js"])).content


def test_query_is_read():
    address = reverse("mailstack:metrics_part", args=["summary"])
    reader = client(*READ)
    assert len(reader.get(address, {"days": 3}).json()["days"]) == 3
    assert reader.get(address, {"days": 0}).status_code == 400


def test_user_without_permission_sees_no_page_of_numbers():
    assert client().get(reverse("mailstack:metrics_part", args=["summary"])).status_code == 403


def test_removal_takes_the_permission_to_delete():
    address = suppress()
    assert client(*READ).delete(address).status_code == 403
    assert suppressions().get_many([ADA], ["stream:news"])
    user = User.objects.get()
    user.user_permissions.add(Permission.objects.get(codename=REMOVE, content_type__app_label="mailstack"))
    remover = Client()
    remover.force_login(user)
    assert remover.delete(address).json()["removed"] is True
    assert not suppressions().get_many([ADA], ["stream:news"])
    assert suppressions().history(ADA)[-1].actor == "metrics API, grace in Django"


def test_removal_needs_the_csrf_token():
    address = suppress()
    remover = client(*READ, REMOVE, checks_csrf=True)
    assert remover.delete(address).status_code == 403
    assert suppressions().get_many([ADA], ["stream:news"])
    token = "a" * 32
    remover.cookies["csrftoken"] = token
    assert remover.delete(address, headers={"x-csrftoken": token}).status_code == 200


def test_unknown_part_is_not_found():
    assert client(*READ).get(reverse("mailstack:metrics_part", args=["nothing"])).status_code == 404
