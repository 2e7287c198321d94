"""Whatever arrives at the webhook without SNS's signature: no server error, and nothing is done."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.stores.bundle import Stores, memory_stores
from mailer.stores.memory import MemoryEvents, MemorySuppressions
from mailer.webhooks import ClientRate, Webhook, asgi_app, wsgi_app
from tests.unit.mailer.feedback.payloads import load
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.webhooks.signing import Call, Json, Sns, asgi, serving, wsgi

FIELDS = [
    *("Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature"),
    *("SigningCertURL", "SubscribeURL", "Token", "UnsubscribeURL"),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary().map(repr)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
EVERYTHING = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Faces:
    def __init__(self, sns: Sns) -> None:
        self.sns, self.stores = sns, memory_stores()
        webhook, rate = Webhook(outputs(), store=self.stores), ClientRate(1e9, 1e9)
        self.calls: list[Call] = [asgi(asgi_app(webhook, rate=rate)), wsgi(wsgi_app(webhook, rate=rate))]
        self.genuine = sns.notification(load("bounce"), Subject="Hello")

    def refuse(self, **request: Any) -> None:
        for call in self.calls:
            answer = call(**request)
            assert 400 <= answer.status < 500, (answer.status, request)
        assert not _rows(self.stores)


def _rows(stores: Stores) -> Json:
    suppressions, events = stores.suppressions, stores.events
    assert isinstance(suppressions, MemorySuppressions)
    assert isinstance(events, MemoryEvents)
    return {**suppressions.rows, **events.rows}


@pytest.fixture(scope="module")
def faces() -> Iterator[Faces]:
    with serving() as pages, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", pages.endpoint)
        yield Faces(Sns(pages))


@EVERYTHING
@given(st.binary(max_size=2_000), st.text(max_size=30), st.text(max_size=30))
def test_arbitrary_bytes_are_refused(faces: Faces, body: bytes, length: str, kind: str):
    faces.refuse(body=body)
    encodable = {"content-type": kind.encode("ascii", "replace").decode()}
    faces.refuse(body=body, headers=encodable, chunks=3)


@EVERYTHING
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_arbitrary_envelopes_are_refused(faces: Faces, envelope: Json):
    faces.refuse(body=json.dumps(envelope).encode())


@EVERYTHING
@given(st.dictionaries(st.sampled_from(FIELDS[:-3]), VALUES, min_size=1))
def test_genuine_message_with_other_values_is_refused(faces: Faces, others: Json):
    changed = faces.genuine | others
    if any(changed.get(name) != faces.genuine[name] for name in others):
        faces.refuse(body=json.dumps(changed).encode())


@EVERYTHING
@given(st.data())
def test_genuine_message_with_a_changed_character_is_refused(faces: Faces, data: st.DataObject):
    name = data.draw(st.sampled_from([name for name in FIELDS[:9] if name in faces.genuine]))
    text = faces.genuine[name]
    at, put = data.draw(st.integers(0, len(text))), data.draw(st.text(max_size=3))
    cut = data.draw(st.integers(0, 3))
    changed = text[:at] + put + text[at + cut :]
    if changed != text:
        faces.refuse(body=json.dumps(faces.genuine | {name: changed}).encode())


@EVERYTHING
@given(st.data())
def test_signed_text_cut_in_another_way_is_refused(faces: Faces, data: st.DataObject):
    """Fields that give the same signed text when they are written one after another."""
    lines = faces.sns.signer and "".join(
        f"{name}\n{faces.genuine[name]}\n"
        for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    ).split("\n")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(lines) - 1), min_size=4, max_size=5)))
    parts = ["\n".join(lines[a:b]) for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    names = data.draw(st.permutations(["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]))
    forged = dict(zip(names, parts, strict=False))
    if any(forged.get(name) != faces.genuine.get(name) for name in names):
        faces.refuse(body=json.dumps(faces.genuine | {"Subject": None} | forged).encode())


@EVERYTHING
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "X"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30),
)
def test_arbitrary_paths_and_methods_are_refused(faces: Faces, method: str, path: str):
    faces.refuse(path=f"/{path}", method=method, body=b"{}")


def test_the_genuine_message_itself_is_accepted(faces: Faces):
    assert faces.calls[0](body=json.dumps(faces.genuine).encode()).status == 200
