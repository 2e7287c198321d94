"""The metrics over HTTP: who is let in, what is answered, paging, removal; requests from the document do no harm."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from shutil import copy
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from mailer.errors import ConfigurationError, StoreError
from mailer.stores.messages import EntryCount
from mailer.stores.sql.stores import SqlStores
from mailer.webhooks import ClientRate, MetricsApi, Webhook, asgi_app, fastapi_router, metrics_document, wsgi_app
from mailer.webhooks.account_list import AccountList
from mailer.webhooks.account_quota import AccountQuota
from mailer.webhooks.metrics_query import cursor
from mailer.wire.access import Access
from mailer.wire.errors import AnswerLost, ServiceError
from tests.contract.suppression_store import NOW, Clock
from tests.unit.mailer.reports.history import fill
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.webhooks.signing import Call, Json, Reply, asgi, wsgi

READ, ADMIN, OLD = "read-" * 8, "admin-" * 8, "older-" * 8
KEYS: Json = {"keys": [READ, OLD], "admin_keys": [ADMIN]}
ROOT = "/metrics/email"
MODELS: dict[str, type[BaseModel]] = {
    "summary": metrics_document.Summary,
    "bounces": metrics_document.Bounces,
    "complaints": metrics_document.Complaints,
    "suppressions": metrics_document.Suppressions,
}
QUOTA = {
    "sent_last_24_hours": 120.0,
    "max_24_hour_send": 200.0,
    "max_send_rate": 1.0,
    "used": 0.6,
    "sending_enabled": True,
    "production_access": False,
}


@pytest.fixture(autouse=True, scope="module")
def quota() -> Iterator[None]:
    """What SES says; tests/integration/mailer/test_metrics_page.py asks it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountQuota, "_ask", lambda _: QUOTA)
        yield


def stores_in(database: Path) -> SqlStores:
    return SqlStores(f"sqlite:///{database}?log_days=30", clock=Clock())


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("filled") / "mail.db"
    with stores_in(database) as stores:
        fill(stores.log, stores.suppressions)
    return database


@pytest.fixture
def stores(filled: Path, tmp_path: Path) -> Iterator[SqlStores]:
    with stores_in(Path(copy(filled, tmp_path))) as stores:
        yield stores


@pytest.fixture
def webhook(stores: SqlStores) -> Webhook:
    return Webhook(outputs(), store=stores)


@pytest.fixture
def metrics(webhook: Webhook) -> MetricsApi:
    return MetricsApi(webhook, **KEYS, account_list=False, clock=Clock())


@pytest.fixture(params=["asgi", "wsgi", "fastapi"])
def call(request: pytest.FixtureRequest, webhook: Webhook, metrics: MetricsApi) -> Call:
    if request.param == "fastapi":
        app = FastAPI()
        app.include_router(fastapi_router(webhook, metrics=metrics))
        return asgi(app)
    if request.param == "wsgi":
        return wsgi(wsgi_app(webhook, metrics=metrics))
    return asgi(asgi_app(webhook, metrics=metrics))


def ask(call: Call, path: str, key: str = READ, method: str = "GET", **query: Any) -> Reply:
    headers = {"authorization": f"Bearer {key}"}
    return call(f"{ROOT}/{path}", method=method, headers=headers, query=urlencode(query))


def test_quota_is_that_of_ses(call: Call):
    found = ask(call, "quota").json
    metrics_document.Quota.model_validate(found)
    assert ask(call, "quota", days=4).status == 400
    assert found.pop("sources")["quota"].startswith("The quota: SES's own count")
    assert found == QUOTA


def test_quota_is_asked_once_a_minute(monkeypatch: pytest.MonkeyPatch):
    asked, now = list[int](), [0.0]
    monkeypatch.setattr(AccountQuota, "_ask", lambda _: asked.append(1))
    account = AccountQuota("us-east-1", Access(), clock=lambda: now[0])
    for seconds in (0.0, 59.0, 60.0, 119.0):
        now[0] = seconds
        assert account.read() is None
    assert len(asked) == 2


def test_quota_that_ses_does_not_say_is_unavailable(call: Call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(AccountQuota, "_ask", lambda _: None)
    reply = ask(call, "quota")
    assert (reply.status, reply.json["error"]) == (503, "SES does not say the quota. The role needs ses:GetAccount.")


def test_request_without_a_key_is_refused(call: Call, stores: SqlStores):
    for path in (*MODELS, "quota", "suppressions/person0@example.org"):
        method = "DELETE" if "/" in path else "GET"
        for header in (None, "", "Bearer", "Bearer ", f"Basic {READ}", f"Bearer {READ}x", f"Bearer {READ[:-1]}", READ):
            reply = call(f"{ROOT}/{path}", method=method, headers={"authorization": header} if header else {})
            assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
            assert set(reply.json) == {"error"}
    assert len(list(stores.suppressions.iterate())) == 3


def test_every_current_key_reads(call: Call):
    for key in (READ, OLD, ADMIN):
        assert ask(call, "summary", key).status == 200
    assert call(f"{ROOT}/summary", method="GET", headers={"authorization": f"bearer  {READ} "}).status == 200


@pytest.mark.parametrize("path", MODELS)
def test_each_read_is_logged_with_its_key(call: Call, caplog: pytest.LogCaptureFixture, path: str):
    with caplog.at_level("INFO", "mailer"):
        ask(call, path, OLD)
        ask(call, path, "none-" * 8)
    (message,) = caplog.messages
    digits = hashlib.sha256(OLD.encode()).hexdigest()[:8]
    assert message == f"Metrics read: {ROOT}/{path} by key {digits}"


@pytest.mark.parametrize("path", MODELS)
def test_answers_have_their_documented_types(call: Call, path: str):
    reply = ask(call, path, days=4)
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    MODELS[path].model_validate_json(reply.body, strict=True)


def test_summary_has_the_numbers_of_the_report(call: Call):
    found = ask(call, "summary", days=3).json
    assert list(found["days"])[-1] == f"{NOW.date()}"
    assert (found["total"]["sends"], found["total"]["hard_bounces"]) == (60, 2)
    assert found["complaint_rate"]["state"] == "pause"
    assert set(found["by_stream"]) == {"news", "transactional"}


def test_summary_reaches_further_back_than_the_log(call: Call, stores: SqlStores):
    past = NOW.date() - timedelta(days=80)
    stores.counters.put(past, [EntryCount(past, "Send", "mailstack-dev-news", "", "", 9)])
    found = ask(call, "summary", days=90).json
    assert found["days"][f"{past}"]["sends"] == 9
    assert found["total"]["sends"] == 79
    assert found["since"] == f"{NOW.date() - timedelta(days=29)}"


def test_reading_the_metrics_closes_no_day(call: Call, stores: SqlStores):
    assert ask(call, "summary", days=90).status == 200
    assert stores.counters.between(date.min, date.max) == {}


def test_bounces_are_listed_in_words_page_by_page(call: Call):
    seen = list[Json]()
    query: Json = {"limit": 3, "days": 4}
    while True:
        found = ask(call, "bounces", **query).json
        seen += found["items"]
        if not found["next"]:
            break
        assert len(found["items"]) == 3
        query["cursor"] = found["next"]
    assert len(seen) == 5
    assert [one["at"] for one in seen] == sorted((one["at"] for one in seen), reverse=True)
    assert len({(one["at"], one["recipient"], one["type"]) for one in seen}) == 5
    assert seen[-1]["words"].startswith("Bounced: ")
    assert {one["stream"] for one in seen} == {"news", "transactional"}
    assert found["total"] == {"hard_bounces": 3, "soft_bounces": 1, "unclear_bounces": 0, "not_tried": 1}


def test_suppressions_of_the_days_are_listed_page_by_page(call: Call):
    first = ask(call, "suppressions", days=5, limit=2).json
    second = ask(call, "suppressions", days=5, limit=2, cursor=first["next"]).json
    found = [one["address"] for one in (*first["items"], *second["items"])]
    assert found == ["person0@example.org", "person1@example.org", "person2@example.org"]
    assert second["next"] is None
    assert [one["address"] for one in ask(call, "suppressions", days=1).json["items"]] == found[:1]
    assert first["size"] == 3


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("summary", "days=0"),
        ("summary", "days=401"),
        ("summary", "days=-1"),
        ("summary", "days=1e3"),
        ("summary", "days=٣"),
        ("summary", "days="),
        ("summary", "days=1&days=2"),
        ("summary", "limit=5"),
        ("bounces", "limit=201"),
        ("bounces", "cursor="),
        ("bounces", "cursor=x"),
        ("bounces", "cursor=W10"),
        ("bounces", "&".join(f"a{number}=1" for number in range(11))),
    ],
)
def test_wrong_queries_are_refused(call: Call, path: str, query: str):
    reply = call(f"{ROOT}/{path}", method="GET", headers={"authorization": f"Bearer {READ}"}, query=query)
    assert reply.status == 400
    assert reply.json["error"]


def test_cursor_of_any_text_and_time_is_harmless(call: Call):
    for at in (NOW.replace(year=1), NOW.replace(year=9999)):
        for text in ("", "x", "ä" * 200, "' OR 1=1 --"):
            for path in ("bounces", "suppressions"):
                assert ask(call, path, cursor=cursor(at, text, text)).status == 200
    assert ask(call, "bounces", cursor=cursor(NOW, "a\0b", "c")).status == 400
    assert ask(call, "bounces", cursor=cursor(NOW.replace(tzinfo=None), "a", "b")).status == 400


def test_key_that_reads_removes_nothing(call: Call, stores: SqlStores):
    assert ask(call, "suppressions/person0@example.org", READ, "DELETE", why="x").status == 403
    assert len(list(stores.suppressions.iterate())) == 3


def test_removal_is_recorded_with_key_and_reason(call: Call, stores: SqlStores):
    assert ask(call, "suppressions", days=1).json["size"] == 3
    reply = ask(call, "suppressions/Person0@Example.org", ADMIN, "DELETE", why="The mailbox works again")
    expected = {"address": "person0@example.org", "scope": "", "removed": True, "account_list": "kept"}
    assert (reply.status, reply.json) == (200, expected)
    (last,) = [one for one in stores.suppressions.history("person0@example.org") if one.action == "removed"]
    assert last.detail == "The mailbox works again"
    assert last.actor.startswith("metrics API, key ")
    assert ADMIN not in last.actor
    assert ask(call, "suppressions", days=1).json["size"] == 2
    again = ask(call, "suppressions/person0@example.org", ADMIN, "DELETE", why="again")
    assert (again.status, again.json["removed"]) == (200, False)


def test_removal_is_of_its_scope_alone(call: Call):
    path = "suppressions/person2@example.org"
    assert not ask(call, path, ADMIN, "DELETE", why="x").json["removed"]
    assert ask(call, path, ADMIN, "DELETE", why="x", scope="stream:news").json["removed"]


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("ada@example.org", {}),
        ("ada@example.org", {"why": " "}),
        ("ada@example.org", {"why": "x" * 201}),
        ("ada@example.org", {"why": "a\nb"}),
        ("ada@example.org", {"why": "x", "scope": "everything"}),
        ("ada@example.org", {"why": "x", "scope": f"stream:{'x' * 300}"}),
        ("ada@example.org", {"why": "x", "days": "1"}),
        ("ada", {"why": "x"}),
        ("ada@example.org, bob@example.org", {"why": "x"}),
    ],
)
def test_wrong_removals_are_refused(call: Call, address: str, query: dict[str, str]):
    assert ask(call, f"suppressions/{address}", ADMIN, "DELETE", **query).status == 400


def test_unserved_methods_and_paths_are_refused(call: Call):
    for method, path in (("POST", "summary"), ("DELETE", "suppressions"), ("GET", "suppressions/ada@example.org")):
        assert ask(call, path, ADMIN, method).status == 405
    assert ask(call, "everything", ADMIN).status == 404


def test_page_loads_its_own_files_and_holds_no_data(call: Call):
    kinds = {"": "text/html", "/page.js": "text/javascript", "/page.css": "text/css"}
    for suffix, kind in kinds.items():
        reply = call(f"{ROOT}{suffix}", method="GET")
        assert (reply.status, reply.headers["content-type"].partition(";")[0]) == (200, kind)
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert "person0" not in reply.body.decode()


def test_head_has_no_body(call: Call):
    reply = ask(call, "summary", method="HEAD")
    assert (reply.status, reply.body) == (200, b"")


def test_metrics_are_off_unless_they_are_given(webhook: Webhook):
    assert ask(asgi(asgi_app(webhook)), "summary").status == 404


def test_report_is_kept_for_a_while(call: Call, stores: SqlStores, monkeypatch: pytest.MonkeyPatch):
    before = ask(call, "summary").json
    monkeypatch.setattr(type(stores.log), "counts", None)
    assert ask(call, "summary").json == before


def test_unreachable_store_is_reported(call: Call, stores: SqlStores, monkeypatch: pytest.MonkeyPatch):
    def away(*_: Any, **__: Any) -> None:
        raise StoreError("away")

    monkeypatch.setattr(type(stores.log), "counts", away)
    reply = ask(call, "summary")
    assert (reply.status, reply.json) == (503, {"error": "The store is not available."})


def test_request_does_not_wait_long_for_another_report(
    call: Call, metrics: MetricsApi, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mailer.webhooks.metrics._PATIENCE", 0.0)
    with metrics._lock:
        reply = ask(call, "summary")
    assert (reply.status, reply.headers["retry-after"]) == (503, "20")
    assert ask(call, "summary").status == 200


def test_defect_is_not_shown_to_the_client(
    call: Call, stores: SqlStores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("ada@example.org")

    monkeypatch.setattr(type(stores.log), "counts", broken)
    reply = ask(call, "summary")
    assert (reply.status, reply.json) == (500, {"error": "Internal error."})
    assert "ada@example.org" not in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_keys_come_from_the_environment(webhook: Webhook, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_METRICS_KEYS", f"{READ}, {OLD}")
    served = asgi(asgi_app(webhook, metrics=MetricsApi(webhook, clock=Clock())))
    assert [ask(served, "summary", key).status for key in (READ, OLD, ADMIN)] == [200, 200, 401]


@pytest.mark.parametrize("keys", ["", " , ", "short", f"{READ},short", "x" * 600])
def test_missing_and_short_keys_are_refused(webhook: Webhook, keys: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_METRICS_KEYS", keys)
    monkeypatch.delenv("MAILSTACK_METRICS_ADMIN_KEYS", raising=False)
    with pytest.raises(ConfigurationError) as raised:
        MetricsApi(webhook)
    assert "mailer store new-key" in raised.value.hint
    assert "short" not in raised.value.message.replace("shorter", "")


class _Ses:
    """SES's list of the account."""

    def __init__(self, error: Exception | None) -> None:
        self.error, self.deleted = error, list[str]()

    def call(self, operation: str, request: Json) -> Json:
        assert operation == "DeleteSuppressedDestination"
        self.deleted.append(request["EmailAddress"])
        if self.error:
            raise self.error
        return {}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "deleted"),
        (ServiceError("NotFoundException", "Not there.", 404, {}), "not listed"),
        (ServiceError("AccessDeniedException", "No.", 403, {}), "failed"),
        (AnswerLost("No answer."), "failed"),
    ],
)
def test_removal_deletes_from_the_account_list_once_a_second(
    webhook: Webhook, error: Exception | None, outcome: str, monkeypatch: pytest.MonkeyPatch
):
    ses = _Ses(error)
    monkeypatch.setattr("mailer.webhooks.account_list.boto_api", lambda *_: ses)
    # Frozen time: the second removal comes within the same second.
    monkeypatch.setattr("mailer.webhooks.rate.time.monotonic", lambda: 0.0)
    served = asgi(asgi_app(webhook, metrics=MetricsApi(webhook, **KEYS, clock=Clock()), rate=ClientRate()))
    first = ask(served, "suppressions/person0@example.org", ADMIN, "DELETE", why="x")
    assert (first.json["removed"], first.json["account_list"]) == (True, outcome)
    second = ask(served, "suppressions/person1@example.org", ADMIN, "DELETE", why="x")
    assert (second.status, second.headers["retry-after"]) == (429, "1")
    assert ses.deleted == ["person0@example.org"]
    assert AccountList("eu-west-1", Access(None)).take()


class Api:
    def __init__(self, webhook: Webhook, metrics: MetricsApi) -> None:
        app = FastAPI()
        app.include_router(fastapi_router(webhook, metrics=metrics, rate=ClientRate(1e9, 1e9)), prefix="/mail")
        self.document: Json = app.openapi()
        self.call = asgi(app)
        self.operations = [
            (path, method.upper(), operation)
            for path, operations in self.document["paths"].items()
            for method, operation in operations.items()
            if path.startswith(f"/mail{ROOT}")
        ]

    def model(self, operation: Json, status: int) -> type[BaseModel]:
        reference = operation["responses"][str(status)]["content"]["application/json"]["schema"]["$ref"]
        return getattr(metrics_document, reference.rpartition("/")[2])


@pytest.fixture
def api(webhook: Webhook, metrics: MetricsApi) -> Api:
    return Api(webhook, metrics)


def test_document_names_paths_types_and_the_key(api: Api):
    assert [(path.removeprefix(f"/mail{ROOT}/"), method) for path, method, _ in api.operations] == [
        ("summary", "GET"),
        ("bounces", "GET"),
        ("complaints", "GET"),
        ("suppressions", "GET"),
        ("quota", "GET"),
        ("suppressions/{token}", "DELETE"),
    ]
    for _, _, operation in api.operations:
        assert operation["security"] == [{"metricsKey": []}]
        assert {"200", "400", "401", "429", "503"} <= set(operation["responses"])
        assert operation["summary"]
        assert operation["parameters"] or operation["operationId"] == "mail_metrics_quota"
    assert api.document["components"]["securitySchemes"]["metricsKey"]["scheme"] == "bearer"
    assert len({operation["operationId"] for _, _, operation in api.operations}) == 6


_PLAIN = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/")
_TYPICAL = st.sampled_from(["stream:news", "The mailbox works", json.dumps([1]), cursor(NOW, "a", "b")])
_VALUES = st.text(max_size=30) | st.integers(-5, 300).map(str) | _TYPICAL


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_requests_made_from_the_document_have_typed_answers(api: Api, data: st.DataObject):
    path, method, operation = data.draw(st.sampled_from(api.operations))
    names = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
    query = data.draw(st.dictionaries(st.sampled_from([*names, "days"]) | st.text(max_size=5), _VALUES, max_size=4))
    raw = data.draw(
        st.just(urlencode(query, errors="replace")) | st.text(st.characters(max_codepoint=127), max_size=30)
    )
    key = data.draw(st.sampled_from([READ, ADMIN, ADMIN, ""]))
    token = data.draw(st.text(_PLAIN, min_size=1, max_size=30) | st.just("ada@example.org"))
    headers = {"authorization": f"Bearer {key}"}
    reply = api.call(path.replace("{token}", token), method=method, headers=headers, query=raw)
    assert reply.status in {200, 400, 401, 403}, (reply, path, raw)
    api.model(operation, reply.status).model_validate_json(reply.body, strict=True)
