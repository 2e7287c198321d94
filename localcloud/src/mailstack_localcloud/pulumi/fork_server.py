"""A fork server: processes with Pulumi loaded, for the operations of the in-process engine.

Loading Pulumi takes half of an operation's time. Each operation still has its own process, and so does its provider.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, cast

from mailstack_localcloud.paths import IMPORT_PATH

# Forking is not safe with macOS's frameworks.
POSSIBLE = hasattr(os, "fork") and sys.platform != "darwin"
_STOP = 60.0  # seconds to leave


class ForkServer:
    """The process that the others are forked from. It starts with the first operation and ends with this process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.Lock()

    def run(
        self, request: Mapping[str, Any], environment: Mapping[str, str], timeout: float
    ) -> "subprocess.CompletedProcess[str]":
        """Carry out one operation.

        Args:
            request: As `worker` takes it.
            environment: All of the operation's.
            timeout: Seconds.

        Raises:
            subprocess.TimeoutExpired: It took longer.
        """
        said = Path(request["answer"]).with_name("said")
        asked = {"request": request, "environment": environment, "said": str(said)}
        with self._turn:
            if self._process and self._process.poll() is not None:
                self.close()
            process = self._process = self._process or _start()
            try:
                status = _ask(process, json.dumps(asked), timeout)
            except BaseException:  # an interrupt, too: the operation must not continue unobserved
                self.close()
                raise
            if status is None:
                self.close()
        return subprocess.CompletedProcess(
            process.args, 1 if status is None else status, said.read_text() if said.exists() else "", ""
        )

    def close(self) -> None:
        """End it and every process that it has forked."""
        process, self._process = self._process, None
        if process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=_STOP)


def _start() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "mailstack_localcloud.pulumi.fork_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=IMPORT_PATH,
        start_new_session=True,
    )


def _ask(process: "subprocess.Popen[str]", line: str, timeout: float) -> int | None:
    """The exit status of an operation; None if the fork server has crashed."""
    stdin, stdout = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
    stdin.write(f"{line}\n")
    stdin.flush()
    if not select.select([stdout], [], [], timeout)[0]:
        raise subprocess.TimeoutExpired(process.args, timeout)
    answer = stdout.readline()
    return int(answer) if answer else None


FORK_SERVER = ForkServer()
atexit.register(FORK_SERVER.close)


# --- In that process -------------------------------------------------------------------------------------------------


def main() -> None:
    """Fork a process for each line of stdin and print its exit status."""
    from mailstack_localcloud.pulumi.provider.resources import RESOURCES
    from mailstack_localcloud.pulumi.schema import inputs_of

    del sys.path[0]  # where this module was found
    rest = list(RESOURCES)
    for line in sys.stdin:
        gc.freeze()
        status = _carry_out(json.loads(line))
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()
        while rest:  # loaded for the next operation, so that the first did not wait
            inputs_of(rest.pop())


def _carry_out(asked: dict[str, Any]) -> int:
    from mailstack_localcloud.pulumi.plugin import Plugin
    from mailstack_localcloud.pulumi.provider.server import serve
    from mailstack_localcloud.pulumi.worker import Request, perform

    request = Request(**asked["request"])
    said, says = os.pipe()

    def provide() -> None:
        os.close(said)
        os.dup2(says, sys.stdout.fileno())
        serve()

    def work() -> None:
        os.close(says)
        perform(request, Plugin(said=os.fdopen(said, "rb")))

    plugin = _forked(asked, request.folder, provide)
    worker = _forked(asked, request.folder, work)
    os.close(said)
    os.close(says)
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    os.kill(plugin, signal.SIGKILL)  # the worker has asked it to exit, unless it crashed
    os.waitpid(plugin, 0)
    return status


def _forked(asked: dict[str, Any], folder: Path, work: Callable[[], None]) -> int:
    """The id of a process that works, and then ends without cleaning up after what it has not loaded."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(folder)
        said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(said, sys.stdout.fileno())
        os.dup2(said, sys.stderr.fileno())
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - as at the end of every process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
