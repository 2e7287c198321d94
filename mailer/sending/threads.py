"""The threads of `Mailer.asend`. They belong to a process and outlive an event loop."""

import contextvars
from asyncio import CancelledError, wrap_future
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import TYPE_CHECKING, TypeVar

from mailer.sending.cancellation import CANCELLED
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")
# Below the connections that the wire keeps (`mailer.wire.pool`), so that each thread has one.
MAX_THREADS = 50
# What the names of the library's threads begin with.
THREAD_NAME = "mailer"


class Threads:
    """Runs functions for coroutines. At the end of the process, what has begun is completed."""

    def __init__(self, count: int = MAX_THREADS) -> None:
        self._count = count
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """Forget the threads of the parent process, which a fork does not copy."""
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, function: "Callable[[], _Result]") -> _Result:
        """Run a function in a thread, with the context variables of the caller.

        If the caller is cancelled before a thread was free, the function never runs. If it has begun, `CANCELLED` is
        set, it runs to its end, and its result is dropped.
        """
        context, cancelled = contextvars.copy_context(), Event()
        context.run(CANCELLED.set, cancelled)
        with self._lock:  # so that `close` does not end the pool in between
            self._pool = self._pool or ThreadPoolExecutor(self._count, thread_name_prefix=THREAD_NAME)
            future = self._pool.submit(context.run, function)
        try:
            return await wrap_future(future)
        except CancelledError:
            cancelled.set()
            raise

    def close(self) -> None:
        """Wait for what has begun, and end the threads. A later `run` starts others."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool:
            pool.shutdown(wait=True)
