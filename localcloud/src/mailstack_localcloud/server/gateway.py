"""The one port: SES, Chatbot, control plane and inbox page are ours, everything else is ministack's, untouched.

SES v2 is loaded at the start; our other services are loaded with their first request, as ministack does with its own.
"""

import asyncio
import contextlib
import functools
import logging
import re
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING

from mailstack_localcloud.backend.calls import InProcess
from mailstack_localcloud.backend.credentials import ACCOUNT_ID
from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.backend.ses import take_over
from mailstack_localcloud.faults.rules import Faults
from mailstack_localcloud.http import (
    CONTROL_PREFIX,
    INBOX_PREFIX,
    BodyTooLargeError,
    GoneError,
    Message,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    as_json,
    headers_of,
    read,
    respond,
)
from mailstack_localcloud.server import cross_site
from mailstack_localcloud.ses import protocol
from mailstack_localcloud.ses.service import Ses
from mailstack_localcloud.ses.verification_mails import deliver, deliver_text
from mailstack_localcloud.ses_v1.notifications import notify
from mailstack_localcloud.smtp.access import Listeners
from mailstack_localcloud.smtp.server import SmtpServer
from mailstack_localcloud.watch.clock import Clock
from mailstack_localcloud.watch.cloudwatch import Alarms

if TYPE_CHECKING:
    from mailstack_localcloud.chatbot.service import Chatbot
    from mailstack_localcloud.control.autosave import Autosave
    from mailstack_localcloud.control.mail_links import MailLinks
    from mailstack_localcloud.control.routes import Control
    from mailstack_localcloud.inbox.page import Inbox
    from mailstack_localcloud.ses_v1.service import SesV1
    from mailstack_localcloud.smtp.session import Mta
    from mailstack_localcloud.state_folder import StateFolder

_LOG = logging.getLogger(__name__)
_Handler = Callable[[Request], Awaitable[Response]]
_SIGNED_FOR_SES = re.compile(rb"Credential=[^,=]*/ses/aws4_request")
# A bucket, a function or an API by its host name.
_BUCKET = re.compile(r"[^:]+\.localhost\b", re.IGNORECASE)
# What AWS's SDKs send even where they do not sign.
_OF_CLIENTS = ("x-amz-", "amz-sdk-")
_SIGNED_FOR_CHATBOT = re.compile(rb"Credential=[^,=]*/chatbot/aws4_request")


class Gateway:
    """The ASGI application of the local cloud."""

    def __init__(self, backend: Backend, smtp: Listeners, folder: "StateFolder | None" = None) -> None:
        aws = InProcess(backend.app, region=backend.region, access_key=ACCOUNT_ID)
        self._backend = backend
        self._faults = Faults()
        self._ses = Ses(backend, aws, self._faults)
        self._ses.context.publisher.add_listener(notify)
        backend.subscriptions.mail = functools.partial(deliver_text, self._ses.context)
        take_over(self._in_first_api, functools.partial(deliver, self._ses.context))
        self._clock = Clock(backend, self._ses.context, Alarms(backend))
        self._mail_server = smtp.access(backend.region)
        self._smtp = SmtpServer(smtp, self._mta)
        self._autosave = self._create_autosave(folder) if folder else None
        self._tasks: list[asyncio.Task[None]] = []

    # Loaded with the first request for them

    @cached_property
    def _ses_v1(self) -> "SesV1":
        from mailstack_localcloud.ses_v1.service import SesV1

        return SesV1(self._ses.context)

    async def _in_first_api(self, request: Request) -> Response:
        return await self._ses_v1.handle(request)

    @cached_property
    def _chatbot(self) -> "Chatbot":
        from mailstack_localcloud.chatbot.service import Chatbot

        return Chatbot(self._backend)

    @cached_property
    def _control(self) -> "Control":
        from mailstack_localcloud.control.routes import Control

        return Control(
            self._backend, self._ses, self._clock, self._faults, self._mail_server, self._chatbot, self._autosave
        )

    @cached_property
    def _inbox(self) -> "Inbox":
        from mailstack_localcloud.inbox.page import Inbox

        return Inbox(self._ses.context)

    @cached_property
    def _links(self) -> "MailLinks":
        from mailstack_localcloud.control.mail_links import MailLinks

        return MailLinks(self._ses.context)

    @cached_property
    def _faultable(self) -> "dict[_Handler, Ses | SesV1]":
        """The services that faults can strike, by what handles their requests."""
        return {self._ses.handle: self._ses, self._ses_v1.handle: self._ses_v1}

    def _mta(self) -> "Mta":
        from mailstack_localcloud.smtp.session import Mta

        return Mta(self._ses.context, self._backend, self._faults)

    def _create_autosave(self, folder: "StateFolder") -> "Autosave":
        from mailstack_localcloud.control.autosave import Autosave

        return Autosave(folder, self._ses.context, self._backend, self._chatbot)

    # Requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the server's own start and stop."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        refused = cross_site.refusal(scope, lambda: self._page(scope) is not None)
        if refused and scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # ASGI: 403 before the handshake
            return
        if refused:
            await respond(send, as_json({"message": refused.reason}, refused.status))
            return
        handler = self._handler(scope) if scope["type"] == "http" else None
        if handler is None:
            await self._backend.app(scope, receive, cross_site.without_cors(scope, send))
            return
        try:
            request = await read(scope, receive)
            response = await self._answer(handler, request, scope, receive)
        except GoneError:
            response = None
        except BodyTooLargeError:
            response = as_json({"message": "The request body is too large."}, 413)
        except Exception as error:  # noqa: BLE001 - a defect of ours must reach the caller as a 500 that says so
            _LOG.exception("%s %s failed", scope["method"], scope["path"])
            response = as_json({"message": f"The local cloud failed: {type(error).__name__}: {error}"}, 500)
        if response:
            await respond(send, response)

    async def _answer(self, handler: _Handler, request: Request, scope: Scope, receive: Receive) -> Response | None:
        """The handler's answer, or what a fault makes of it; None if a fault reset the connection."""
        service = self._faultable.get(handler) if self._faults.armed else None
        if service is None:
            return await handler(request)
        target = service.fault_target(request)
        fault = self._faults.choose(target.operation, target.recipients)
        if fault is None:
            return await handler(request)
        from mailstack_localcloud.faults.connection import HttpClient
        from mailstack_localcloud.faults.effects import perform

        return await perform(fault, functools.partial(handler, request), HttpClient(scope, receive, service.injected))

    def _handler(self, scope: Scope) -> _Handler | None:
        path = str(scope["path"])
        if path.startswith(protocol.PREFIX):
            return self._ses.handle
        page = self._page(scope)
        if page:
            return page
        if path.startswith(f"{CONTROL_PREFIX}/") or path == CONTROL_PREFIX:
            return self._control.handle
        if _is_signed(scope, _SIGNED_FOR_CHATBOT) and self._chatbot.has(path):
            return self._chatbot.handle
        return self._ses_v1.handle if path == "/" and _is_signed(scope, _SIGNED_FOR_SES) else None

    def _page(self, scope: Scope) -> _Handler | None:
        """The handler of a page for people, to which mails and other sites may link; None if the path is not a page."""
        path = str(scope["path"])
        if path.startswith(f"{CONTROL_PREFIX}/"):
            return self._links.handler(str(scope["method"]), path)
        is_inbox = path.startswith(f"{INBOX_PREFIX}/") or path == INBOX_PREFIX
        return self._inbox.handle if (is_inbox and not _is_signed(scope)) or _is_start(scope) else None

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def starting(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                autosave = [self._autosave.run()] if self._autosave else []
                runners = (self._ses.context.publisher.run(), self._clock.run(), *autosave)
                self._tasks = [asyncio.create_task(runner) for runner in runners]
                await self._smtp.start()
            if message["type"] == "lifespan.shutdown.complete":
                await self._stop()
            await send(message)

        async def stopping() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown" and self._autosave:
                await self._autosave.finish()
            return message

        await self._backend.app(scope, stopping, starting)

    async def _stop(self) -> None:
        self._smtp.stop()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(self._backend.close)


def _is_signed(scope: Scope, pattern: re.Pattern[bytes] | None = None) -> bool:
    """Whether the request is an AWS client's; a bucket may be called `inbox`."""
    authorization = next((bytes(v) for n, v in scope["headers"] if bytes(n).lower() == b"authorization"), b"")
    return bool(pattern.search(authorization) if pattern else authorization.startswith(b"AWS4-"))


def _is_start(scope: Scope) -> bool:
    """Whether a browser opens the bare address, which means nothing to AWS: no client, no operation, no bucket."""
    if (
        scope["type"] != "http"
        or scope["path"] != "/"
        or scope["query_string"]
        or scope["method"] not in {"GET", "HEAD"}
    ):
        return False
    headers = headers_of(scope)
    is_client = any(name == "authorization" or name.startswith(_OF_CLIENTS) for name in headers)
    return not is_client and not _BUCKET.match(headers.get("host", ""))
