"""The FastAPI router: its document describes what it answers, and requests made from the document do no harm."""

import base64
import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.secret_keys import new_key
from mailer.stores.bundle import Stores, memory_stores
from mailer.unsubscribe import Unsubscribe
from mailer.webhooks import ClientRate, Webhook, fastapi_router
from tests.unit.mailer.feedback.payloads import load
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.webhooks.signing import Json, Reply, Sns, asgi, serving

LINKS = Unsubscribe("https://shop.example.com/mail/unsubscribe", keys=new_key())
PATH = LINKS.link("ada@example.com", "marketing").removeprefix("https://shop.example.com")


class Api:
    def __init__(self, stores: Stores) -> None:
        webhook = Webhook(outputs(), store=stores, unsubscribe=LINKS)
        app = FastAPI()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            app.include_router(fastapi_router(webhook, rate=ClientRate(1e9, 1e9)), prefix="/mail")
            self.document: Json = app.openapi()
        self._call = asgi(app)

    def call(self, path: str, method: str = "POST", **request: Any) -> Reply:
        return self._call(path, method=method.upper(), **request)

    def operations(self) -> list[tuple[str, str, Json]]:
        return [
            (path, method, operation)
            for path, operations in self.document["paths"].items()
            for method, operation in operations.items()
        ]


@pytest.fixture(scope="module")
def local() -> Iterator[Sns]:
    with serving() as pages, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", pages.endpoint)
        yield Sns(pages)


@pytest.fixture(scope="module")
def empty(local: Sns) -> tuple[Api, Stores]:
    assert local
    stores = memory_stores()
    return Api(stores), stores


def schema_values(schema: Json) -> st.SearchStrategy[Any]:
    """Values of a JSON schema, as far as the document uses it."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "oneOf" in schema:
        return st.one_of([schema_values(one) for one in schema["oneOf"]])
    if schema["type"] == "object":
        needed = {name: schema_values(schema["properties"][name]) for name in schema["required"]}
        others = {n: schema_values(one) for n, one in schema["properties"].items() if n not in schema["required"]}
        return st.fixed_dictionaries(needed, optional=others)
    plausible = {
        "date-time": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
        "uri": st.sampled_from(["https://sns.us-east-1.amazonaws.com/x.pem", "http://127.0.0.1/x", ""]),
    }
    texts = st.text(max_size=50) | st.binary(max_size=50).map(lambda data: base64.b64encode(data).decode())
    return plausible.get(schema.get("format", ""), st.nothing()) | texts


def is_documented(api: Api, operation: Json, reply: Reply) -> bool:
    """Whether the document has the status, and the form of the body."""
    answer = operation["responses"].get(str(reply.status))
    if not answer:
        return False
    kind = reply.headers["content-type"].partition(";")[0]
    if kind != "application/json":
        return kind in answer["content"]
    reference = answer["content"][kind]["schema"]["$ref"].rpartition("/")[2]
    model = api.document["components"]["schemas"][reference]
    allowed = model["properties"].get("status", {}).get("enum", [reply.json.get("status")])
    return set(reply.json) == set(model["required"]) and reply.json.get("status") in allowed


def test_document_names_every_endpoint():
    found = [(path, method) for path, method, _ in Api(memory_stores()).operations()]
    assert sorted(found) == [
        ("/mail/health", "get"),
        ("/mail/health/ready", "get"),
        ("/mail/unsubscribe/{token}", "get"),
        ("/mail/unsubscribe/{token}", "post"),
        ("/mail/webhooks/ses", "post"),
    ]


def test_document_has_unique_operations_with_summaries():
    operations = [operation for _, _, operation in Api(memory_stores()).operations()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["summary"] and one["tags"] == ["mail"] for one in operations)


@pytest.mark.parametrize("version", ["1", "2"])
def test_signed_event_is_processed(local: Sns, version: str):
    stores = memory_stores()
    api = Api(stores)
    message = local.notification(load("bounce"), SignatureVersion=version)
    reply = api.call("/mail/webhooks/ses", body=json.dumps(message).encode())
    assert (reply.status, reply.json) == (200, {"status": "processed"})
    assert [row.address for row in stores.suppressions.iterate()] == ["ada@example.org"]


def test_one_click_works_under_a_prefix():
    stores = memory_stores()
    api = Api(stores)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert api.call(PATH, body=b"List-Unsubscribe=One-Click", headers=form).status == 200
    assert [row.scope for row in stores.suppressions.iterate()] == ["stream:marketing"]
    assert api.call(PATH, "HEAD").status == 200


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_requests_made_from_the_document_do_no_harm(empty: tuple[Api, Stores], data: st.DataObject):
    api, stores = empty
    for path, method, operation in api.operations():
        text = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=30)
        token = data.draw(text | st.just(PATH.rpartition("/")[2]))
        bodies: list[tuple[str, Any]] = [("text/plain", data.draw(st.binary(max_size=100)))]
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            bodies.append((kind, json.dumps(data.draw(schema_values(content["schema"]))).encode()))
        for kind, body in bodies:
            sent = body if method == "post" else b""
            reply = api.call(path.replace("{token}", token), method, body=sent, headers={"content-type": kind})
            assert reply.status < 500
            assert is_documented(api, operation, reply), (path, method, reply)
    assert list(stores.suppressions.iterate()) == []
