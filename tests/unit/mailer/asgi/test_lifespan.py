"""An application has its mailer for as long as it runs: created, handed to endpoints, closed."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from mailer import ConfigurationError, Mailer, Message, OutboxRelay, SqlStores
from mailer.asgi import MailerDep, get_mailer, lifespans, mailer_lifespan
from mailer.testing import Outbox
from tests.waiting import eventually

MAIL = Message(subject="Hello", text="Hello Ada", to="ada@example.com")


class Done(BaseModel):
    status: str


class Closing:
    """A transport that says when it was closed."""

    name = "closing"

    def __init__(self) -> None:
        self.is_closed = False

    def send(self, message: Message) -> object:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed = True


def greeting(lifespan: Any) -> FastAPI:
    app = FastAPI(lifespan=lifespan)

    @app.post("/greet")
    async def greet(mail: MailerDep) -> Done:
        return Done(status=next(iter(await mail.asend(MAIL))).status)

    @app.post("/greet-later", status_code=202)
    async def greet_later(mail: MailerDep) -> Done:
        return Done(status=next(iter(await mail.aenqueue(MAIL, connection=None))).status)

    return app


@asynccontextmanager
async def running(app: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of an application whose lifespan runs, as a server runs it."""
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="https://app.example.com") as client:
            yield client


def posted(app: FastAPI, path: str) -> httpx.Response:
    async def post() -> httpx.Response:
        async with running(app) as client:
            return await client.post(path)

    return asyncio.run(post())


def test_endpoint_sends_with_the_mailer_of_the_lifespan(outbox: Outbox):
    answer = posted(greeting(mailer_lifespan(lambda: outbox.mailer)), "/greet")
    assert (answer.status_code, answer.json()) == (200, {"status": "sent"})
    assert [message.subject for message in outbox] == ["Hello"]


def test_mailer_is_closed_with_the_application():
    transport = Closing()
    mailer = Mailer.over(transport, sender="shop@example.com")  # pyright: ignore[reportArgumentType]

    async def run() -> list[bool]:
        async with running(greeting(mailer_lifespan(lambda: mailer))):
            open_yet = transport.is_closed
        return [open_yet, transport.is_closed]

    assert asyncio.run(run()) == [False, True]


def test_relay_sends_the_outbox_before_the_mailer_closes(tmp_path: Path):
    stores = SqlStores(f"sqlite:///{tmp_path / 'mail.db'}")
    stores.migrate()
    mailer = Mailer.local(tmp_path / "mails", store=stores, console=False)
    app = greeting(mailer_lifespan(lambda: mailer, relay=OutboxRelay))

    async def run() -> int:
        async with running(app) as client:
            queued = await client.post("/greet-later")
            await asyncio.to_thread(eventually, lambda: list((tmp_path / "mails").glob("*.eml")), "no mail is sent")
            return queued.status_code

    assert asyncio.run(run()) == 202
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 1
    stores.close()


def test_application_does_not_start_without_its_stack(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", "{}")
    with pytest.raises(ConfigurationError, match="MAILSTACK_OUTPUTS"):
        posted(greeting(mailer_lifespan(lambda: Mailer.from_stack("prod"))), "/greet")


def test_relay_without_outbox_fails_the_start_and_closes():
    transport = Closing()
    mailer = Mailer.over(transport, sender="shop@example.com")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match="no outbox"):
        posted(greeting(mailer_lifespan(lambda: mailer, relay=OutboxRelay)), "/greet")
    assert transport.is_closed


def test_failing_lifespan_closes_what_has_started():
    transport = Closing()
    mailer = Mailer.over(transport, sender="shop@example.com")  # pyright: ignore[reportArgumentType]

    @asynccontextmanager
    async def broken(_: object) -> AsyncGenerator[None]:
        raise OSError("no database")
        yield

    with pytest.raises(OSError, match="no database"):
        posted(greeting(lifespans(mailer_lifespan(lambda: mailer), broken)), "/greet")
    assert transport.is_closed


def test_endpoint_without_lifespan_says_what_to_do():
    app = greeting(None)
    with pytest.raises(ConfigurationError, match="no mailer") as raised:
        posted(app, "/greet")
    assert "mailer_lifespan" in str(raised.value.hint)


def test_tests_replace_the_mailer(outbox: Outbox):
    app = greeting(None)
    app.dependency_overrides[get_mailer] = lambda: outbox.mailer
    assert posted(app, "/greet").status_code == 200
    assert len(outbox) == 1


def test_openapi_document_does_not_show_the_mailer(outbox: Outbox):
    operation = greeting(None).openapi()["paths"]["/greet"]["post"]
    assert "parameters" not in operation
    assert "requestBody" not in operation
    assert operation["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Done"
    }


def test_starlette_and_mounted_applications_have_it(outbox: Outbox):
    async def greet(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str((await (await get_mailer(request)).asend(MAIL)).ok))

    inner = Starlette(routes=[Route("/greet", greet, methods=["POST"])])
    app = Starlette(routes=[Mount("/inner", inner)], lifespan=mailer_lifespan(lambda: outbox.mailer))
    assert posted(app, "/inner/greet").text == "True"  # pyright: ignore[reportArgumentType]


def test_websocket_has_the_mailer(outbox: Outbox):
    sent: list[Mapping[str, Any]] = []
    app = FastAPI()

    @app.websocket("/live")
    async def live(socket: WebSocket, mail: MailerDep) -> None:
        await socket.accept()
        await socket.send_text(str((await mail.asend(MAIL)).ok))

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/live", "headers": [], "query_string": b"", "subprotocols": []}
    asyncio.run(app({**scope, "state": {"mailer": outbox.mailer}}, receive, send))  # pyright: ignore[reportArgumentType]
    assert [one.get("text") for one in sent if one["type"] == "websocket.send"] == ["True"]


def test_lifespans_start_in_order_and_end_in_reverse(outbox: Outbox):
    events: list[str] = []

    def named(name: str) -> Any:
        @asynccontextmanager
        async def lifespan(_: object) -> AsyncGenerator[dict[str, object]]:
            events.append(f"{name} starts")
            yield {name: name}
            events.append(f"{name} ends")

        return lifespan

    async def run() -> Mapping[str, object]:
        whole = lifespans(named("database"), mailer_lifespan(lambda: outbox.mailer), named("cache"))
        async with whole(None) as state:
            return state

    assert set(asyncio.run(run())) == {"database", "mailer", "cache"}
    assert events == ["database starts", "cache starts", "cache ends", "database ends"]


def test_lifespan_without_state_can_be_combined(outbox: Outbox):
    @asynccontextmanager
    async def plain(_: object) -> AsyncGenerator[None]:
        yield

    app = greeting(lifespans(plain, mailer_lifespan(lambda: outbox.mailer)))
    assert posted(app, "/greet").status_code == 200


def test_two_lifespans_with_one_state_are_refused(outbox: Outbox):
    one = mailer_lifespan(lambda: outbox.mailer)
    with pytest.raises(ConfigurationError, match="'mailer'"):
        posted(greeting(lifespans(one, one)), "/greet")
