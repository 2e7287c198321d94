"""A webhook with stores in memory, its SNS on this machine, and its two faces."""

from collections.abc import Iterator

import pytest
from django.core.wsgi import get_wsgi_application

from mailer.django import feedback
from mailer.stores.bundle import Stores, memory_stores
from mailer.webhooks import Webhook, asgi_app, wsgi_app
from mailer.webhooks.endpoints import endpoints_of
from tests.django_project import set_up
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.webhooks.signing import Call, Pages, Sns, asgi, serving, wsgi

set_up()


@pytest.fixture(scope="session")
def _served() -> Iterator[tuple[Pages, Sns]]:
    with serving() as pages:
        yield pages, Sns(pages)


@pytest.fixture
def sns(_served: tuple[Pages, Sns], monkeypatch: pytest.MonkeyPatch) -> Sns:
    pages, signer = _served
    pages.asked.clear()
    for name, value in {
        "AWS_ENDPOINT_URL": pages.endpoint,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }.items():
        monkeypatch.setenv(name, value)
    return signer


@pytest.fixture
def stores() -> Stores:
    return memory_stores()


@pytest.fixture
def webhook(sns: Sns, stores: Stores) -> Webhook:
    return Webhook(outputs(), store=stores)


@pytest.fixture(params=["asgi", "wsgi", "django"])
def post(request: pytest.FixtureRequest, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> Call:
    if request.param == "django":
        served = {endpoint.path: endpoint for endpoint in endpoints_of(webhook)}
        monkeypatch.setattr(feedback, "endpoints", lambda: served)
        return wsgi(get_wsgi_application())
    return asgi(asgi_app(webhook)) if request.param == "asgi" else wsgi(wsgi_app(webhook))
