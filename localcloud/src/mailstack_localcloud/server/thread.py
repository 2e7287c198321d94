"""The local cloud in a thread of this process. At most one a process: ministack keeps its state in modules."""

import asyncio
import sys
import threading

from mailstack_localcloud.server.runner import Ports, ServerInfo, serve

START_SECONDS = 120.0
_STOP_SECONDS = 60.0


class AlreadyStartedError(Exception):
    """This process had a local cloud already; there can be only one."""


class ServerThread:
    """A server in a thread; it answers requests when the constructor returns.

    Args:
        region: The one region that SES is emulated in.

    Raises:
        AlreadyStartedError: This process had a local cloud before, or it has imported ministack.
        TimeoutError: It did not start.
    """

    def __init__(self, region: str) -> None:
        if "ministack" in sys.modules:
            raise AlreadyStartedError(
                "This process had a local cloud, or ministack, inside it already. Use LocalCloud.start()."
            )
        self.endpoint = ""
        self._answers = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, args=(region,), name="localcloud", daemon=True)
        self._thread.start()
        if not self._answers.wait(START_SECONDS):
            raise TimeoutError(f"The local cloud did not start within {START_SECONDS:.0f} seconds.")
        if self._problem:
            raise self._problem

    def stop(self) -> None:
        """Stop the server and wait for its thread to end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_STOP_SECONDS)

    def _serve(self, region: str) -> None:
        try:
            serve(Ports(), region, self._ready, self._until)
        except BaseException as problem:  # noqa: BLE001 - raised again in the constructor
            self._problem = problem
        finally:
            self._answers.set()

    def _ready(self, known: ServerInfo) -> None:
        self.endpoint = known.endpoint
        self._answers.set()

    def _until(self, stop: asyncio.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), stop
