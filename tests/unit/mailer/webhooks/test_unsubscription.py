"""`/unsubscribe/TOKEN`: a POST as mailbox providers send it unsubscribes; nothing else does."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.errors import StoreError
from mailer.secret_keys import new_key
from mailer.stores.bundle import Stores, memory_stores
from mailer.unsubscribe import Unsubscribe, Unsubscription
from mailer.webhooks import FeedbackHook, Webhook, asgi_app, wsgi_app
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.webhooks.signing import Call, Reply, asgi, wsgi

ADA = "ada@example.com"
LINKS = Unsubscribe("https://shop.example.com/unsubscribe", keys=new_key(), streams=["marketing"])
PATH = LINKS.link(ADA, "marketing").removeprefix("https://shop.example.com")
FORM = {"content-type": "application/x-www-form-urlencoded"}
ONE_CLICK = b"List-Unsubscribe=One-Click"
BOUNDARY = "----x7"
MULTIPART = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
PARTS = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--{BOUNDARY}--\r\n'
).encode()


class Hook(FeedbackHook):
    def __init__(self) -> None:
        self.seen: list[Unsubscription] = []

    def on_unsubscribe(self, wish: Unsubscription) -> None:
        self.seen.append(wish)
        raise KeyError(wish.address)


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture(params=["asgi", "wsgi"])
def call(request: pytest.FixtureRequest, stores: Stores, hook: Hook) -> Call:
    webhook = Webhook(outputs(), store=stores, unsubscribe=LINKS, hooks=[hook])
    return asgi(asgi_app(webhook)) if request.param == "asgi" else wsgi(wsgi_app(webhook))


def left(stores: Stores) -> list[tuple[str, str, str]]:
    return [(row.address, row.reason, row.scope) for row in stores.suppressions.iterate()]


def is_page(reply: Reply) -> bool:
    return reply.headers["content-type"].startswith("text/html") and "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    ("body", "headers"),
    [(ONE_CLICK, FORM), (PARTS, MULTIPART), (b"a=b&" + ONE_CLICK, FORM)],
    ids=["url", "multi", "more"],
)
def test_one_click_unsubscribes_from_the_stream(call: Call, stores: Stores, body: bytes, headers: dict[str, str]):
    reply = call(PATH, body, headers=headers)
    assert (reply.status, is_page(reply)) == (200, True)
    assert left(stores) == [(ADA, "unsubscribe", "stream:marketing")]
    (row,) = stores.suppressions.iterate()
    assert (row.actor, row.detail) == ("recipient", "one-click unsubscribe")


def test_one_click_twice_is_the_same(call: Call, stores: Stores):
    assert [call(PATH, ONE_CLICK, headers=FORM).status for _ in range(2)] == [200, 200]
    assert len(left(stores)) == 1


def test_one_click_after_a_new_subscription_counts(call: Call, stores: Stores):
    call(PATH, ONE_CLICK, headers=FORM)
    stores.suppressions.remove(ADA, scope="stream:marketing", actor="Ada", why="subscribed again")
    assert left(stores) == []
    call(PATH, ONE_CLICK, headers=FORM)
    assert len(left(stores)) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_shows_a_form_and_changes_nothing(call: Call, stores: Stores, method: str):
    reply = call(PATH, method=method)
    assert (reply.status, left(stores)) == (200, [])
    if method == "GET":
        page = reply.body.decode()
        assert 'method="post"' in page
        assert 'name="List-Unsubscribe" value="One-Click"' in page
        assert ADA not in page
        assert "form-action 'self'" in reply.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", FORM),
        (b"", {}),
        (b"List-Unsubscribe=Two-Clicks", FORM),
        (b"list-unsubscribe=one-click", FORM),
        (ONE_CLICK, {}),
        (ONE_CLICK, {"content-type": "text/plain"}),
        (ONE_CLICK, {"content-type": "application/json"}),
        (b"&" * 50 + ONE_CLICK, FORM),
        (b"\xff%ff%", FORM),
        (PARTS, {"content-type": "multipart/form-data"}),
        (PARTS, {"content-type": "multipart/form-data; boundary=other"}),
        (b"", MULTIPART),
        (b"--" * 500, MULTIPART),
        (PARTS.replace(b"One-Click", b"Two"), MULTIPART),
    ],
)
def test_other_posts_change_nothing(call: Call, stores: Stores, body: bytes, headers: dict[str, str]):
    assert (call(PATH, body, headers=headers).status, left(stores)) == (400, [])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(call: Call, stores: Stores, method: str):
    assert (call(PATH, ONE_CLICK, method, FORM).status, left(stores)) == (405, [])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", [PATH[:-1], PATH.replace("1.", "2.", 1), "/unsubscribe/x", "/unsubscribe/a.b.c.d"])
def test_invalid_link_does_not_exist(call: Call, stores: Stores, path: str, method: str):
    reply = call(path, ONE_CLICK, method, FORM)
    assert (reply.status, is_page(reply), left(stores)) == (404, True, [])


@pytest.mark.parametrize("path", ["/unsubscribe", "/unsubscribe/", f"{PATH}/", f"{PATH}/x", f"/x{PATH}"])
def test_other_paths_do_not_exist(call: Call, stores: Stores, path: str):
    assert (call(path, ONE_CLICK, headers=FORM).status, left(stores)) == (404, [])


def test_oversized_form_is_refused(call: Call, stores: Stores):
    assert (call(PATH, b"x" * 5000, headers=FORM).status, left(stores)) == (413, [])


def test_hook_is_called_and_its_error_changes_nothing(call: Call, hook: Hook, caplog: pytest.LogCaptureFixture):
    assert call(PATH, ONE_CLICK, headers=FORM).status == 200
    assert hook.seen == [Unsubscription(ADA, "marketing")]
    assert "KeyError" in caplog.text
    assert ADA not in caplog.text


def test_store_that_fails_asks_to_try_again(call: Call, stores: Stores, monkeypatch: pytest.MonkeyPatch):
    def fail(_: object) -> None:
        raise StoreError("The store is away.")

    monkeypatch.setattr(stores.suppressions, "put", fail)
    assert call(PATH, ONE_CLICK, headers=FORM).status == 503


def test_webhook_without_links_has_no_such_path(stores: Stores):
    assert asgi(asgi_app(Webhook(outputs(), store=stores)))(PATH, ONE_CLICK, headers=FORM).status == 404


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=300) | st.sampled_from([ONE_CLICK, PARTS]),
    st.sampled_from([FORM["content-type"], MULTIPART["content-type"], 'multipart/form-data; boundary="', "text/html"]),
    st.text(st.characters(min_codepoint=33, exclude_categories=["Cs"]), min_size=1, max_size=40),
)
def test_arbitrary_links_and_forms_do_no_harm(body: bytes, kind: str, token: str):
    stores: Any = memory_stores()
    webhook = Webhook(outputs(), store=stores, unsubscribe=LINKS)
    for call in (asgi(asgi_app(webhook)), wsgi(wsgi_app(webhook))):
        assert 400 <= call(f"/unsubscribe/{token}", body, headers={"content-type": kind}).status < 500
        status = call(PATH, body, headers={"content-type": kind}).status
        assert status in {200, 400}
        assert bool(left(stores)) == (status == 200)
        stores.suppressions.rows.clear()
