"""The lifespan of an application with a mailer, for Starlette and so for FastAPI.

What a lifespan yields is the state of each request: https://www.starlette.io/lifespan/#lifespan-state.
"""

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, cast

from mailer.errors import ConfigurationError
from mailer.install import install_command
from mailer.mailer import Mailer

try:
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import HTTPConnection
except ModuleNotFoundError as error:
    raise ConfigurationError("mailer.asgi needs the package Starlette.", hint=install_command("web")) from error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import Any

    # The application is FastAPI's or Starlette's, or that of a mounted application.
    Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, object] | None]]
    StateLifespan = Callable[[Any], AbstractAsyncContextManager[dict[str, object]]]

_STATE = "mailer"


def mailer_lifespan(
    create: "Callable[[], Mailer]",
    *,
    relay: "Callable[[Mailer], AbstractContextManager[object]] | None" = None,
) -> "StateLifespan":
    """A lifespan that creates a mailer when the application starts, and closes it when the application ends.

    It runs in each process of a server, after the fork. `get_mailer` and `MailerDep` hand the mailer to endpoints.

    Args:
        create: Creates the mailer. It is called in a thread, because it may read from AWS.
        relay: Sends the outbox in this process: `OutboxRelay`, or `lambda mailer: OutboxRelay(mailer, threads=4)`. It
            completes what it has begun before the mailer is closed. Default: a process of its own sends it, such as
            `mailer outbox run`.

    Returns:
        The lifespan.

    Example:
        >>> from mailer import Mailer, OutboxRelay
        >>> lifespan = mailer_lifespan(lambda: Mailer.from_stack("prod"), relay=OutboxRelay)
        >>> app = FastAPI(lifespan=lifespan)  # doctest: +SKIP
    """

    @asynccontextmanager
    async def lifespan(_: object) -> "AsyncGenerator[dict[str, object]]":
        mailer = await run_in_threadpool(create)
        async with mailer:
            if relay is None:
                yield {_STATE: mailer}
                return
            # Starting and ending it asks the database, and ending it waits for mails that are being sent.
            running = await run_in_threadpool(relay, mailer)
            await run_in_threadpool(running.__enter__)
            try:
                yield {_STATE: mailer}
            finally:
                await run_in_threadpool(running.__exit__, None, None, None)

    return lifespan


def lifespans(*several: "Lifespan") -> "StateLifespan":
    """Combine lifespans. They start in the order given and end in reverse; each request has the state of all.

    Args:
        several: The lifespans, such as that of a database and `mailer_lifespan(...)`.

    Raises:
        ConfigurationError: When the application starts: two of them yield a state of the same name.

    Example:
        >>> app = FastAPI(lifespan=lifespans(database, mailer_lifespan(create)))  # doctest: +SKIP
    """

    @asynccontextmanager
    async def lifespan(app: "Any") -> "AsyncGenerator[dict[str, object]]":
        state: dict[str, object] = {}
        async with AsyncExitStack() as stack:
            for each in several:
                yielded = await stack.enter_async_context(each(app)) or {}
                if taken := sorted(state.keys() & yielded.keys()):
                    hint = "Give each lifespan's state names of its own."
                    raise ConfigurationError(f"Two lifespans yield the state {taken[0]!r}.", hint=hint)
                state.update(yielded)
            yield state

    return lifespan


async def get_mailer(connection: HTTPConnection) -> Mailer:
    """The mailer of the application that serves a request or WebSocket.

    In FastAPI it is a dependency, of which `MailerDep` is short; in Starlette, `await get_mailer(request)`.

    Raises:
        ConfigurationError: The application does not run with `mailer_lifespan`.
    """
    # A coroutine function, because FastAPI runs others in a thread.
    found = cast("object", getattr(connection.state, _STATE, None))
    if not isinstance(found, Mailer):
        hint = (
            "Pass FastAPI(lifespan=mailer_lifespan(...)), and run the application by a server that supports lifespans. "
            "In tests: app.dependency_overrides[get_mailer] = lambda: outbox.mailer."
        )
        raise ConfigurationError("This application has no mailer.", hint=hint)
    return found
