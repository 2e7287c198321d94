"""Schemathesis reads the OpenAPI document and calls everything: no server error, documented answers, nothing done.

Its requests have no signature of SNS and no token, so none may have an effect.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from mailer.stores.bundle import Stores, memory_stores
from mailer.stores.memory import MemoryEvents, MemorySuppressions
from mailer.unsubscribe import Unsubscribe
from mailer.webhooks import ClientRate, MetricsApi, Webhook, fastapi_router
from mailer.webhooks.account_quota import AccountQuota
from tests.unit.mailer.stack_outputs import outputs

# Not that data of the schema are accepted: none of these is signed by SNS.
CHECKS: Any = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
]
READ = "read-" * 8
QUOTA = {
    "sent_last_24_hours": 0.0,
    "max_24_hour_send": None,
    "max_send_rate": 1.0,
    "used": None,
    "sending_enabled": True,
    "production_access": True,
}
LINKS = Unsubscribe("https://shop.example.com/mail/unsubscribe", keys=["A" * 43 + "="], streams=["marketing"])


@pytest.fixture(scope="module")
def stores() -> Stores:
    return memory_stores()


@pytest.fixture(scope="module")
def schema(stores: Stores) -> Iterator[Any]:
    webhook = Webhook(outputs(), store=stores, unsubscribe=LINKS, confirms=False)
    metrics = MetricsApi(webhook, keys=[READ], admin_keys=[], account_list=False)
    app = FastAPI()
    app.include_router(fastapi_router(webhook, metrics=metrics, rate=ClientRate(1e9, 1e9)), prefix="/mail")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountQuota, "_ask", lambda _: QUOTA)
        yield schemathesis.openapi.from_asgi("/openapi.json", app)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    database=None,
)
@given(st.data())
def test_requests_of_strangers_have_no_effect(schema: Any, stores: Stores, data: st.DataObject):
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 11
    case = data.draw(data.draw(st.sampled_from(operations)).as_strategy())
    case.call_and_validate(headers={"Authorization": f"Bearer {READ}"}, checks=CHECKS)
    assert isinstance(stores.suppressions, MemorySuppressions)
    assert isinstance(stores.events, MemoryEvents)
    assert not stores.suppressions.rows
    assert not stores.events.rows
