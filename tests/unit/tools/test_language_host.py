"""The language host, run as the engine runs it and asked over gRPC."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2 as language
from pulumi.runtime.proto import language_pb2_grpc as service

from tests.processes import child
from tests.waiting import PATIENCE, eventually

HOST = Path(__file__).parents[3] / "tools" / "pulumi" / "language_host.py"
# Stands in for Pulumi's own executor: writes down how it was called, then does as the program's name says.
EXECUTOR = """
import json, os, pathlib, sys, time

program = pathlib.Path(sys.argv[-2])
config = {name: json.loads(os.environ[name]) for name in ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS")}
called = {"args": sys.argv[1:], "cwd": os.getcwd(), "pid": os.getpid(), "python": sys.executable, **config}
pathlib.Path("called.new").write_text(json.dumps(called))
pathlib.Path("called.new").rename("called.json")
print("the program speaks")
if program.name == "sleep":
    time.sleep(3600)
sys.exit({"fine": 0, "shown": 32, "broken": 3}[program.name])
"""


# The smallest package that pip installs without a registry: its build backend stands beside it.
THING = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """
import pathlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.write("thing.py")
        wheel.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: thing\\nVersion: 1.0\\n")
        wheel.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("thing-1.0.dist-info/RECORD", "")
    return name
"""


class Running:
    """A host at work: its process and a client of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        executor = folder / "executor"
        executor.write_text(EXECUTOR)
        command = [sys.executable, str(HOST), "--executor", str(executor), "--cli-version", "3.259.0", "127.0.0.1:1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.client = service.LanguageRuntimeStub(self.channel)

    def info(self, **options: str) -> language.ProgramInfo:
        info = language.ProgramInfo(
            root_directory=str(self.folder), program_directory=str(self.folder), entry_point="."
        )
        info.options.update(options)
        return info

    def request(self, program: str, info: language.ProgramInfo | None = None) -> language.RunRequest:
        info = info or self.info()
        info.entry_point = program
        return language.RunRequest(
            project="mail",
            stack="dev",
            parallel=7,
            dryRun=True,
            monitor_address="127.0.0.1:2",
            config={"mail:domain": "example.com"},
            configSecretKeys=["mail:key"],
            args=["extra"],
            info=info,
        )

    def called(self) -> dict[str, object]:
        file = self.folder / "called.json"
        eventually(file.exists, "the program was never started")
        return json.loads(file.read_text())

    def end(self) -> tuple[int, str, str]:
        self.channel.close()
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
        running.end()


def is_gone(pid: object) -> bool:
    try:
        os.kill(int(str(pid)), 0)
    except ProcessLookupError:
        return True
    return False


def test_a_program_is_run_with_all_that_the_engine_says(host: Running):
    host.client.Handshake(language.LanguageHandshakeRequest(engine_address="127.0.0.1:9"), timeout=PATIENCE)
    answer = host.client.Run(host.request("fine"), timeout=PATIENCE)
    assert (answer.error, answer.bail) == ("", False)
    called = host.called()
    arguments = called["args"]
    assert isinstance(arguments, list)
    flags = dict(zip(arguments[:-2:2], arguments[1:-2:2], strict=True))
    assert flags == {
        "--monitor": "127.0.0.1:2",
        "--engine": "127.0.0.1:9",
        "--project": "mail",
        "--root_directory": str(host.folder),
        "--stack": "dev",
        "--organization": "organization",
        "--parallel": "7",
        "--dry_run": "true",
        "--pwd": str(host.folder),
    }
    assert arguments[-2:] == ["fine", "extra"]
    assert called["cwd"] == str(host.folder)
    assert called["python"] == sys.executable
    assert called["PULUMI_CONFIG"] == {"mail:domain": "example.com"}
    assert called["PULUMI_CONFIG_SECRET_KEYS"] == ["mail:key"]
    os.kill(host.process.pid, signal.SIGTERM)
    assert "the program speaks" in host.end()[1]


@pytest.mark.parametrize(
    ("program", "error", "bail"),
    [("shown", "", True), ("broken", "the program ended with exit code 3", False)],
)
def test_exit_of_a_program_is_reported(host: Running, program: str, error: str, bail: bool):
    answer = host.client.Run(host.request(program), timeout=PATIENCE)
    assert (answer.error, answer.bail) == (error, bail)


def test_the_virtual_environment_of_pulumi_yaml_is_used(host: Running):
    (host.folder / "env" / "bin").mkdir(parents=True)
    python = host.folder / "env" / "bin" / "python"
    python.symlink_to(sys.executable)
    host.client.Run(host.request("fine", host.info(virtualenv="env")), timeout=PATIENCE)
    assert host.called()["python"] == str(python)
    about = host.client.About(language.AboutRequest(info=host.info(virtualenv="env")), timeout=PATIENCE)
    assert (about.executable, about.version) == (str(python), sys.version.split()[0])


def test_missing_virtual_environment_is_an_error(host: Running):
    info = host.info(virtualenv="env")
    assert f"{host.folder}/env/bin/python is not there" in host.client.Run(host.request("fine", info)).error
    with pytest.raises(grpc.RpcError, match="env/bin/python is not there"):
        host.client.About(language.AboutRequest(info=info), timeout=PATIENCE)
    assert not (host.folder / "called.json").exists()


def test_installed_packages_are_listed(host: Running):
    request = language.GetProgramDependenciesRequest(info=host.info(), transitiveDependencies=True)
    every = {found.name: found.version for found in host.client.GetProgramDependencies(request).dependencies}
    assert {"pulumi", "grpcio", "protobuf"} <= every.keys()
    request.transitiveDependencies = False
    direct = {found.name for found in host.client.GetProgramDependencies(request).dependencies}
    assert direct < every.keys()
    assert "grpcio" not in direct, "pulumi asks for it, so it is not a direct dependency"


def test_language_host_reports_version_and_no_prerequisites(host: Running):
    assert host.client.GetPluginInfo(Empty(), timeout=PATIENCE).version == "3.259.0"
    assert not host.client.GetRequiredPackages(language.GetRequiredPackagesRequest(), timeout=PATIENCE).packages
    assert not host.client.GetRequiredPlugins(language.GetRequiredPluginsRequest(), timeout=PATIENCE).plugins
    assert not host.client.RuntimeOptionsPrompts(language.RuntimeOptionsRequest(), timeout=PATIENCE).prompts


def install(host: Running, info: language.ProgramInfo) -> bytes:
    request = language.InstallDependenciesRequest(info=info)
    return b"".join(answer.stdout for answer in host.client.InstallDependencies(request, timeout=PATIENCE))


def test_virtual_environment_of_the_project_is_created(host: Running):
    (host.folder / "thing").mkdir()
    (host.folder / "thing" / "thing.py").write_text("")
    (host.folder / "thing" / "pyproject.toml").write_text(THING)
    (host.folder / "thing" / "backend.py").write_text(BACKEND)
    (host.folder / "requirements.txt").write_text("./thing\n")
    assert b"Successfully installed thing-1.0" in install(host, host.info(virtualenv=".venv"))
    python = host.folder / ".venv" / "bin" / "python"
    subprocess.run([python, "-c", "import thing"], cwd=host.folder.parent, timeout=PATIENCE, check=True)
    (host.folder / "requirements.txt").unlink()
    assert b"Nothing to install" in install(host, host.info(virtualenv=".venv")), "it is there and is left as it is"


def test_failed_installation_names_the_command(host: Running):
    python = host.folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/false")
    (host.folder / "requirements.txt").write_text("")
    with pytest.raises(grpc.RpcError, match=r"python -m pip install .*requirements.txt ended with exit code 1"):
        install(host, host.info(virtualenv=".venv"))


def test_packages_are_not_installed_without_a_virtualenv(host: Running):
    (host.folder / "requirements.txt").write_text("nothing-that-there-is\n")
    assert b"names no `virtualenv`" in install(host, host.info())
    with pytest.raises(grpc.RpcError) as caught:
        host.client.GenerateProgram(language.GenerateProgramRequest(), timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_plugin_streams_both_its_outputs_and_its_exit_code(host: Running):
    program = "import os, sys; print(os.environ['GREETING'], sys.argv[1:]); print('oh', file=sys.stderr); sys.exit(5)"
    (host.folder / "__main__.py").write_text(program)
    request = language.RunPluginRequest(
        pwd=str(host.folder), args=["one"], env=["GREETING=a=b"], kind="resource", info=host.info()
    )
    answers = list(host.client.RunPlugin(request, timeout=PATIENCE))
    assert b"".join(answer.stdout for answer in answers) == b"a=b ['one']\n"
    assert b"".join(answer.stderr for answer in answers) == b"oh\n"
    assert answers[-1].exitcode == 5


def test_policy_pack_runs_by_pulumis_own_module(host: Running):
    (host.folder / "packaging.py").write_text("raise ImportError('a module of the program')")
    request = language.RunPluginRequest(pwd=str(host.folder), args=["--help"], kind="analyzer", info=host.info())
    answers = list(host.client.RunPlugin(request, timeout=PATIENCE))
    assert b"engineAddress program" in b"".join(answer.stdout for answer in answers)
    assert answers[-1].exitcode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_host_and_program_quietly(host: Running, number: signal.Signals):
    running = host.client.Run.future(host.request("sleep"))
    pid = host.called()["pid"]
    host.process.send_signal(number)
    code, _, err = host.end()
    assert (code, err) == (0, "")
    assert running.done()
    assert is_gone(pid)


def test_cancel_ends_the_program_and_the_host_stays(host: Running):
    running = host.client.Run.future(host.request("sleep"))
    pid = host.called()["pid"]
    host.client.Cancel(Empty(), timeout=PATIENCE)
    assert running.result(timeout=PATIENCE).error == "the program ended with exit code -15"
    assert is_gone(pid)
    assert host.client.Run(host.request("fine"), timeout=PATIENCE).error == ""


def test_the_host_ends_when_the_engine_is_gone(tmp_path: Path):
    starter = f"import subprocess, sys; subprocess.Popen([sys.executable, {str(HOST)!r}, '--executor', 'none'])"
    command = [sys.executable, "-c", f"{starter}; sys.stdin.readline()"]
    with child(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)) as engine:
        assert engine.stdout
        assert int(engine.stdout.readline()) > 0
        engine.kill()
        rest, _ = engine.communicate(timeout=PATIENCE)
        assert rest == b"", "the host, which holds the pipe open, has ended"
