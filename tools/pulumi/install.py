"""Puts a Pulumi CLI that runs Python programs under `.tools/pulumi/`, unless a usable one is there already.

`make pulumi` runs it. Pulumi's official installer is preferred; where it is out of reach, the CLI is built from
`go.mod` beside this file and gets the language host beside this file. Not for choosing which CLI to run:
`mailstack_localcloud.pulumi.find_cli` does that, here as elsewhere.
"""

import enum
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mailstack_localcloud.pulumi.find_cli import ROOT, Cli, candidates, examine, tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).resolve().parent
INSTALLER = "https://get.pulumi.com/install.sh"
GO_SITE = "https://go.dev/dl/"
PULUMI_SITE = "https://www.pulumi.com/docs/iac/download-install/"
SDK = "github.com/pulumi/pulumi/sdk/v3"
COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SECONDS_TO_REACH = 5
SECONDS_TO_ANSWER = 300
SECONDS_TO_INSTALL = 900
SECONDS_TO_BUILD = 5400
SECONDS_BETWEEN_LINES = 5
MAX_INSTALLER_BYTES = 1 << 20
# The host is run from the source tree, by the project's own interpreter, three folders above `.tools/pulumi/bin`.
WRAPPER = """\
#!/bin/sh
# Made by tools/pulumi/install.py.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
exec "$root/.venv/bin/python" "$root/tools/pulumi/language_host.py" \\
    --executor "$here/pulumi-language-python-exec" --cli-version "{version}" "$@"
"""

Version = tuple[int, ...]


class InstallError(Exception):
    """No CLI can be installed; the message says what was tried and what to do."""


class Step(enum.Enum):
    """What there is to do."""

    USE = "use"
    INSTALL = "install"
    BUILD = "build"
    STOP = "stop"


@dataclass(frozen=True)
class Pins:
    """What `go.mod` asks for: the CLI's version, and the oldest Go that builds it."""

    pulumi: str
    go: Version


@dataclass(frozen=True)
class Found:
    """What this machine has. Once a CLI is usable, the rest is not looked for."""

    clis: tuple[Cli, ...] = ()
    installer: bool = False
    go: Version | None = None


@dataclass(frozen=True)
class Decision:
    """The step to take, and the sentence that says so."""

    step: Step
    says: str


def read_pins(go_mod: str) -> Pins:
    """The pins in the text of `go.mod`, the one place where they stand."""
    pulumi = re.search(rf"^\s*{re.escape(SDK)} v(\S+)", go_mod, re.MULTILINE)
    go = re.search(r"^go (\S+)", go_mod, re.MULTILINE)
    if not pulumi or not go:
        raise InstallError(f"tools/pulumi/go.mod names no version of {SDK}, or none of Go.")
    return Pins(pulumi[1], parse_version(go[1]))


def parse_version(text: str) -> Version:
    """The first dotted number in a text: `go version go1.26.8 linux/amd64` is (1, 26, 8)."""
    match = re.search(r"\d+(\.\d+)+", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def dotted(version: Version) -> str:
    """(1, 26, 8) as 1.26.8."""
    return ".".join(str(part) for part in version)


def decide(found: Found, pins: Pins) -> Decision:
    """Choose the step for what this machine has. Pure."""
    usable = next((cli for cli in found.clis if not cli.problem), None)
    if usable:
        return Decision(Step.USE, f"Pulumi {usable.version} at {usable.path} runs Python programs; nothing to do.")
    if found.installer:
        return Decision(Step.INSTALL, f"Installing Pulumi {pins.pulumi} with Pulumi's own installer ({INSTALLER}).")
    if found.go and found.go >= pins.go:
        return Decision(
            Step.BUILD,
            f"Pulumi's installer is out of reach, so Pulumi {pins.pulumi} is built from source with Go "
            f"{dotted(found.go)}: once, about four minutes on two cores.",
        )
    return Decision(Step.STOP, explain(found, pins))


def explain(found: Found, pins: Pins) -> str:
    """Why nothing can be done, and both ways out."""
    needed = dotted(pins.go)
    go = f"Go {dotted(found.go)} is too old" if found.go else "Go is not installed, or does not run"
    rejected = [f"  - {cli.path} cannot be used: {cli.problem}." for cli in found.clis]
    return "\n".join(
        [
            "There is no usable Pulumi CLI, and none can be put in place.",
            *(rejected or ["  - PATH and .tools/pulumi/ hold no pulumi."]),
            f"  - Pulumi's installer ({INSTALLER}) cannot be reached or did not succeed.",
            f"  - {go}; building the CLI (tools/pulumi/go.mod) takes Go {needed} or newer.",
            "Either of these fixes it:",
            f"  - install Go {needed} or newer ({GO_SITE}) and run `make pulumi` again;",
            f"  - install Pulumi ({PULUMI_SITE}) so that `pulumi` is on PATH.",
        ]
    )


def look(pins: Pins) -> Found:
    """Look at this machine, and at the network only when no CLI is usable."""
    clis = tuple(_only_pinned(cli, pins) for cli in candidates())
    if any(not cli.problem for cli in clis):
        return Found(clis)
    return Found(clis, installer=download_installer() is not None, go=go_version())


def _only_pinned(cli: Cli, pins: Pins) -> Cli:
    """Under `.tools/` must be what `go.mod` pins; other versions are replaced."""
    if cli.problem or not cli.path.is_relative_to(tools_folder()) or cli.version == pins.pulumi:
        return cli
    return replace(cli, problem=f"it is {cli.version}, and go.mod pins {pins.pulumi}")


def download_installer() -> bytes | None:
    """Pulumi's installation script, or None where it cannot be had."""
    try:
        with urllib.request.urlopen(INSTALLER, timeout=SECONDS_TO_REACH) as response:
            script: bytes = response.read(MAX_INSTALLER_BYTES)
    except (OSError, urllib.error.URLError):
        return None
    return script if script.startswith(b"#!") else None


def go_version() -> Version | None:
    """The Go that a build here would use (a newer toolchain that Go fetches by itself counts), or None."""
    for folder in (HERE, Path("/")):
        try:
            answer = subprocess.run(
                ["go", "version"], cwd=folder, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=True
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return parse_version(answer.stdout)
    return None


def install(folder: Path, pins: Pins) -> None:
    """Run Pulumi's own installer into a folder."""
    script = download_installer()
    if script is None:
        raise InstallError(f"{INSTALLER} could not be downloaded.")
    with tempfile.NamedTemporaryFile(suffix=".sh") as file:
        file.write(script)
        file.flush()
        options = ["--no-edit-path", "--install-root", str(folder), "--version", pins.pulumi]
        run(["sh", file.name, *options], HERE, SECONDS_TO_INSTALL, lambda lines: lines[-1] if lines else "starting")


def build(folder: Path, pins: Pins) -> None:
    """Build the CLI from its pinned modules, and lay the language host beside it."""
    binaries = folder / "bin"
    binaries.mkdir(parents=True)
    flags = ["-v", "-trimpath", "-buildvcs=false", "-mod=readonly"]
    # The Automation API and the plugins refuse a CLI that does not know its version.
    linked = f"-s -w -X {SDK}/go/common/version.Version=v{pins.pulumi}"
    run(["go", "build", *flags, "-ldflags", linked, "-o", str(binaries), COMMAND], HERE, SECONDS_TO_BUILD, go_progress)
    listed = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", SDK],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_ANSWER,
        check=True,
    )
    executor = binaries / "pulumi-language-python-exec"
    shutil.copyfile(Path(listed.stdout.strip(), "python", "cmd", executor.name), executor)
    host = binaries / "pulumi-language-python"
    host.write_text(WRAPPER.format(version=pins.pulumi))
    for file in (executor, host):
        file.chmod(0o755)


def go_progress(lines: list[str]) -> str:
    """What a Go build is doing, from what `go build -v` has printed."""
    downloads = sum(line.startswith("go: downloading") for line in lines)
    compiled = sum(not line.startswith(("go: ", "#")) for line in lines)
    if compiled:
        return f"compiling: {compiled} packages so far"
    return f"downloading modules: {downloads} so far" if downloads else "reading modules and build cache"


def run(command: list[str], cwd: Path, seconds: float, progress: "Callable[[list[str]], str]") -> None:
    """Run a command to its end, showing its progress.

    Raises:
        InstallError: It failed or took too long; the message ends with its last lines.
    """
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(line.rstrip() for line in process.stdout or ()))
        reader.start()
        try:
            code = _watch(process, seconds, lambda: progress(lines))
        finally:
            process.kill()
            reader.join()
    if code != 0:
        what = f"`{command[0]} {command[1]}` " + (f"took over {seconds:.0f} s" if code is None else f"failed ({code})")
        raise InstallError("\n  ".join([f"{what}:", *lines[-15:]]))


def _watch(process: "subprocess.Popen[str]", seconds: float, progress: "Callable[[], str]") -> int | None:
    """Wait for a process and show where it is; None when its time is up."""
    start = time.monotonic()
    terminal = sys.stdout.isatty()
    pause = 0.5 if terminal else SECONDS_BETWEEN_LINES
    while (elapsed := time.monotonic() - start) < seconds:
        try:
            code = process.wait(min(pause, seconds))
        except subprocess.TimeoutExpired:
            line = f"  {elapsed + pause:4.0f} s  {progress()}"
            say(f"\r\033[K{line[:100]}" if terminal else f"{line}\n")
        else:
            say("\r\033[K" if terminal else "")
            return code
    return None


def put_in_place(fill: "Callable[[Path, Pins], None]", pins: Pins, target: Path) -> Cli:
    """Fill a folder beside the target, see that it works, and only then swap it in: a failure leaves nothing behind."""
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pulumi-") as temporary:
        fresh, old = Path(temporary, "new"), Path(temporary, "old")
        fill(fresh, pins)
        cli = examine(fresh / "bin" / "pulumi")
        if cli.problem:
            raise InstallError(f"What was put in place does not work: {cli.problem}.")
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    return replace(cli, path=target / "bin" / "pulumi")


WAYS: "Mapping[Step, Callable[[Path, Pins], None]]" = {Step.INSTALL: install, Step.BUILD: build}


def carry_out(found: Found, pins: Pins) -> None:
    """Take the steps that `decide` names; an installer that fails is followed by the next way."""
    decision = decide(found, pins)
    if decision.step is Step.STOP:
        raise InstallError(decision.says)
    say(f"{decision.says}\n")
    if decision.step is Step.USE:
        return
    start = time.monotonic()
    try:
        cli = put_in_place(WAYS[decision.step], pins, tools_folder())
    except InstallError as error:
        if decision.step is not Step.INSTALL:
            raise
        say(f"{error}\n")
        carry_out(replace(found, installer=False), pins)
    else:
        say(f"Pulumi {cli.version} is at {cli.path.relative_to(ROOT)} ({time.monotonic() - start:.0f} s).\n")


def say(text: str) -> None:
    """Write to the terminal at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> int:
    """Entry point of `make pulumi`."""
    try:
        pins = read_pins((HERE / "go.mod").read_text())
        carry_out(look(pins), pins)
    except InstallError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; nothing was left half done.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
