"""`pulumi-language-python`: the service that the Pulumi engine starts to run a Python program or policy pack.

It replaces Pulumi's own host, which no Go module provides, for the CLI that `install.py` builds. It runs
programs, says what they run on, and installs it with pip; it knows no other toolchain and generates no code.

The protocol is `LanguageRuntime` in pulumi's `language.proto`: the host serves on loopback, prints its port as the
first line of its output, and ends with the engine. What a program prints goes to the host's own output, where the
engine reads it.
"""
# ruff: noqa: ARG002, N802 - the names and the signatures are the protocol's.

import argparse
import json
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2 as language
from pulumi.runtime.proto import language_pb2_grpc as service
from pulumi.runtime.proto.plugin_pb2 import PluginInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# How `pulumi-language-python-exec` says that it has shown the user an error already.
SHOWN = 32
# The engine's own limit, `maxRPCMessageSize` in its rpcutil.
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
SECONDS_TO_STOP, SECONDS_TO_ANSWER = 10.0, 120.0
# Of the program, in its own folder.
REQUIREMENTS = "requirements.txt"
# Lists what an interpreter has installed; with True, only what no other distribution asks for, as `pip list` does.
LIST_DEPENDENCIES = """
import importlib.metadata, json, re, sys
plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
found = {plain(d.name): d for d in importlib.metadata.distributions() if d.name}
needed = {plain(re.match(r"[\\w.-]+", r)[0]) for d in found.values() for r in d.requires or () if "extra ==" not in r}
wanted = sorted(found.keys() - (set() if sys.argv[1] == "all" else needed))
print(json.dumps([[found[key].name, found[key].version] for key in wanted]))
"""


class InterpreterError(Exception):
    """The `virtualenv` that Pulumi.yaml names holds no Python."""


def interpreter(info: language.ProgramInfo) -> str:
    """The Python that runs a program: that of `runtime.options.virtualenv`, else the one that runs this host.

    Raises:
        InterpreterError: Pulumi.yaml names a virtual environment that has none.
    """
    options = cast("dict[str, object]", dict(info.options))
    if not (virtualenv := options.get("virtualenv")):
        return sys.executable
    python = Path(info.root_directory, str(virtualenv), "bin", "python")
    if not python.is_file():
        raise InterpreterError(
            f"Pulumi.yaml's runtime.options.virtualenv is {virtualenv}, and {python} is not there. Create the virtual "
            "environment (`pulumi install`; in mailstack's repository `make install`) or correct the option."
        )
    return str(python)


def installation(info: language.ProgramInfo) -> "list[list[str]]":
    """The commands that create a program's virtual environment, as Pulumi's own host does with the toolchain `pip`.

    None where Pulumi.yaml names no virtual environment: what this host itself runs on is not the program's to change.
    """
    options = cast("dict[str, object]", dict(info.options))
    if not (virtualenv := options.get("virtualenv")):
        return []
    folder = Path(info.root_directory, str(virtualenv))
    python = folder / "bin" / "python"
    made = [] if python.is_file() else [[sys.executable, "-m", "venv", str(folder)]]
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--requirement", REQUIREMENTS]
    return [*made, pip] if Path(info.program_directory, REQUIREMENTS).is_file() else made


class Children:
    """The programs that run now; when the host ends, they end with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    def start(
        self, command: "Sequence[str]", cwd: str, env: dict[str, str], output: int | None
    ) -> "subprocess.Popen[bytes]":
        """Start one program; `output` is None (the host's own) or `subprocess.PIPE`."""
        with self._lock:
            child = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            self._running.add(child)
        return child

    def wait(self, child: "subprocess.Popen[bytes]") -> int:
        """Wait for a program's end and forget it."""
        code = child.wait()
        with self._lock:
            self._running.discard(child)
        return code

    def stop(self) -> None:
        """Ask every program to end, and end those that do not."""
        with self._lock:
            running = list(self._running)
        for child in running:
            child.terminate()
        for child in running:
            try:
                child.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                child.kill()


class Host(service.LanguageRuntimeServicer):
    """The service itself. What is not here (code generation, packing, linking) answers "unimplemented"."""

    def __init__(self, engine: str, executor: Path, version: str) -> None:
        self._engine = engine
        self._executor = executor
        self._version = version
        self.children = Children()

    def Handshake(
        self, request: language.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language.LanguageHandshakeResponse:
        """Receive the engine's address."""
        self._engine = request.engine_address or self._engine
        return language.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> PluginInfo:
        """The version of the CLI that this host belongs to."""
        return PluginInfo(version=self._version)

    def About(self, request: language.AboutRequest, context: grpc.ServicerContext) -> language.AboutResponse:
        """The interpreter that runs programs."""
        try:
            python = interpreter(request.info)
        except InterpreterError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        command = [python, "-c", "import platform; print(platform.python_version())"]
        version = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=True
        ).stdout.strip()
        return language.AboutResponse(executable=python, version=version)

    def GetRequiredPackages(
        self, request: language.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language.GetRequiredPackagesResponse:
        """None ahead of time: the engine finds each plugin when the program first asks for it."""
        return language.GetRequiredPackagesResponse()

    def GetRequiredPlugins(
        self, request: language.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language.GetRequiredPluginsResponse:
        """None ahead of time, for engines that ask in the older way."""
        return language.GetRequiredPluginsResponse()

    def GetProgramDependencies(
        self, request: language.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language.GetProgramDependenciesResponse:
        """What the program's interpreter has installed, for `pulumi about`."""
        try:
            python = interpreter(request.info)
        except InterpreterError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        command = [python, "-c", LIST_DEPENDENCIES, "all" if request.transitiveDependencies else "direct"]
        listed = subprocess.run(command, capture_output=True, timeout=SECONDS_TO_ANSWER, check=True).stdout
        found = cast("list[list[str]]", json.loads(listed))
        return language.GetProgramDependenciesResponse(
            dependencies=[language.DependencyInfo(name=name, version=version) for name, version in found]
        )

    def RuntimeOptionsPrompts(
        self, request: language.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language.RuntimeOptionsResponse:
        """`pulumi new` has nothing to ask."""
        return language.RuntimeOptionsResponse()

    def InstallDependencies(
        self, request: language.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> "Iterator[language.InstallDependenciesResponse]":
        """Create the virtual environment that Pulumi.yaml names, and install the program's requirements."""
        commands = installation(request.info)
        if not commands:
            text = (
                "Nothing to install: Pulumi.yaml names no `virtualenv`, or it is there and there is nothing required.\n"
            )
            yield language.InstallDependenciesResponse(stdout=text.encode())
        for command in commands:
            child = self.children.start(command, request.info.program_directory, dict(os.environ), subprocess.PIPE)
            context.add_callback(child.terminate)
            for said in _output(child):
                yield language.InstallDependenciesResponse(stdout=said.stdout, stderr=said.stderr)
            if code := self.children.wait(child):
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{shlex.join(command)} ended with exit code {code}")

    def Run(self, request: language.RunRequest, context: grpc.ServicerContext) -> language.RunResponse:
        """Run a program to its end, in a process of its own."""
        try:
            python = interpreter(request.info)
        except InterpreterError as error:
            return language.RunResponse(error=str(error))
        directory = request.info.program_directory or request.pwd
        child = self.children.start(
            [python, "-u", str(self._executor), *self._arguments(request, directory)],
            directory,
            {
                **os.environ,
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            },
            None,
        )
        context.add_callback(child.terminate)
        code = self.children.wait(child)
        if code in (0, SHOWN):
            return language.RunResponse(bail=code == SHOWN)
        return language.RunResponse(error=f"the program ended with exit code {code}")

    def _arguments(self, request: language.RunRequest, directory: str) -> list[str]:
        named = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "parallel": str(request.parallel),
            "dry_run": "true" if request.dryRun else "false",
            "pwd": directory,
        }
        flags = [part for name, value in named.items() for part in (f"--{name}", value)]
        return [*flags, request.info.entry_point or request.program, *request.args]

    def RunPlugin(
        self, request: language.RunPluginRequest, context: grpc.ServicerContext
    ) -> "Iterator[language.RunPluginResponse]":
        """Run a plugin written in Python and pass on what it prints; a policy pack is one of kind "analyzer"."""
        try:
            python = interpreter(request.info)
        except InterpreterError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        directory = request.info.program_directory
        policy = request.kind == "analyzer"
        # -P: its working directory is the program's, whose modules must not stand before the libraries'.
        pack = ["-P", "-m", "pulumi.policy", *request.args, directory]
        arguments = pack if policy else [directory, *request.args]
        env = dict(variable.split("=", 1) for variable in request.env) or dict(os.environ)
        child = self.children.start([python, "-u", *arguments], request.pwd, env, subprocess.PIPE)
        context.add_callback(child.terminate)
        yield from _output(child)
        yield language.RunPluginResponse(exitcode=self.children.wait(child))

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """Stop what runs."""
        self.children.stop()
        return Empty()


def _output(child: "subprocess.Popen[bytes]") -> "Iterator[language.RunPluginResponse]":
    """What a child writes to either stream, as it comes, until both are closed."""
    chunks: queue.Queue[language.RunPluginResponse | None] = queue.Queue()

    def pump(stream: IO[bytes], error: bool) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            chunks.put(language.RunPluginResponse(stderr=chunk) if error else language.RunPluginResponse(stdout=chunk))
        chunks.put(None)

    streams = ((child.stdout, False), (child.stderr, True))
    for stream in streams:
        threading.Thread(target=pump, args=stream, daemon=True).start()
    for _ in streams:
        yield from iter(chunks.get, None)


def serve(host: Host) -> None:
    """Serve on a free loopback port, say which, and stay until interrupted or until the engine is gone."""
    engine = os.getppid()  # before the port is printed: from then on the engine may be gone at any time
    stop = threading.Event()

    def interrupt(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    sizes = [(f"grpc.max_{way}_message_length", MAX_MESSAGE_BYTES) for way in ("send", "receive")]
    server = grpc.server(ThreadPoolExecutor(8), options=sizes)
    service.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not stop.wait(1.0) and os.getppid() == engine:
        pass
    host.children.stop()
    server.stop(None).wait(SECONDS_TO_STOP)


def main() -> None:
    """Read the engine's arguments (flags that are not ours are its own business) and serve."""
    parser = argparse.ArgumentParser(prog="pulumi-language-python", description=__doc__, allow_abbrev=False)
    parser.add_argument("--executor", type=Path, required=True, help="Pulumi's own pulumi-language-python-exec")
    parser.add_argument("--cli-version", default="", help="the version of the CLI beside this host")
    parser.add_argument("engine", nargs="?", default="", help="the engine's address; a handshake may bring it instead")
    arguments, _ = parser.parse_known_args()
    serve(Host(arguments.engine, arguments.executor, arguments.cli_version))


if __name__ == "__main__":
    main()
