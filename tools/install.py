"""Installs what this repository needs into .venv, from locked requirements: `make install`, `make demo`.

pip fetches one package, uv, by its hash. uv installs exactly what the lock names and resolves nothing: a release that
is published later cannot change what is installed. Needs the standard library alone.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from ast import literal_eval
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
# Larger ones first: each holds all that the later ones hold.
PROFILES = {"dev": "the demo, the tests and the tools of development", "demo": "what `make demo` needs"}
# pip's settings that say where packages come from, and the variable in which uv reads the same. uv reads none of pip's.
PIP_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}
# Later ones win: https://pip.pypa.io/en/stable/topics/configuration/#precedence-override-order
PIP_SCOPES = ("global", "install", ":env:")
COMPILED = ("demo", "infra", "lambdas", "localcloud/src", "mailer")
# What says how this repository itself is installed.
PROJECTS = (ROOT / "pyproject.toml", ROOT / "localcloud" / "pyproject.toml", ROOT / "tools" / "hatch_build.py")
# The distributions of this repository.
EDITABLE = [f"--editable={ROOT / folder}" for folder in (".", "localcloud")]


class InstallError(Exception):
    """A step failed: says which tool, and what to do."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Install one profile. Does nothing where it, or a larger one, is installed already."""
    parser = argparse.ArgumentParser(description="Install what this repository needs, from locked requirements.")
    parser.add_argument(
        "profile", choices=PROFILES, help="; ".join(f"{name}: {what}" for name, what in PROFILES.items())
    )
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", metavar="DIR", help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        install(options.profile, options.venv.absolute())
    except InstallError as error:
        sys.exit(f"make install: {error}")


def install(profile: str, venv: Path) -> None:
    """Create the environment, and put the profile's packages and this repository into it."""
    stamp = venv / ".installed"
    if any(is_installed(stamp, candidate) for candidate in at_least(profile)):
        return
    profile = kept_profile(stamp, profile)
    lock = REQUIREMENTS / f"{profile}.lock"
    print(f"Installing requirements/{lock.name} into {venv.name}", flush=True)
    begun = time.monotonic()
    stamp.unlink(missing_ok=True)
    python = make_environment(venv)
    uv = install_uv(python)
    settings = uv_environment(python)
    run(
        "uv",
        [uv, "pip", "sync", "--quiet", f"--python={python}", "--require-hashes", str(lock)],
        "Without a network or a mirror nothing can be downloaded. pip's settings for an index (PIP_INDEX_URL, "
        "pip.conf) are handed to uv; UV_DEFAULT_INDEX and SSL_CERT_FILE override them.",
        settings,
    )
    run(
        "uv",
        [uv, "pip", "install", "--quiet", f"--python={python}", "--no-deps", "--no-build-isolation", *EDITABLE],
        "The build backend, hatchling, could not install this repository: see what it says about pyproject.toml.",
        settings,
    )
    rooms = [str(ROOT / room) for room in COMPILED]
    run("compileall", [str(python), "-m", "compileall", "-q", *rooms], "The module that it names does not compile.")
    stamp.write_text(json.dumps(fingerprint(profile)))
    print(f"Installed in {time.monotonic() - begun:.0f} s", flush=True)


def at_least(profile: str) -> list[str]:
    """This profile, and those that hold all of it."""
    names = list(PROFILES)
    return names[: names.index(profile) + 1]


def kept_profile(stamp: Path, wanted: str) -> str:
    """The profile to install: that of the stamp if it holds all of the wanted one.

    Otherwise `make demo` after a pull would remove the tools of development.
    """
    try:
        found = str(json.loads(stamp.read_text())["profile"])
    except (OSError, ValueError, KeyError, TypeError):
        return wanted
    return found if found in at_least(wanted) else wanted


def is_installed(stamp: Path, profile: str) -> bool:
    """Whether this profile was installed to its end, from today's files and for this Python."""
    try:
        return json.loads(stamp.read_text()) == fingerprint(profile)
    except (OSError, ValueError):
        return False


def fingerprint(profile: str) -> dict[str, str]:
    """What an installation depends on."""
    files = [REQUIREMENTS / "installer.lock", REQUIREMENTS / f"{profile}.lock", *PROJECTS]
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in files))
    return {"profile": profile, "python": f"{sys.version_info[0]}.{sys.version_info[1]}", "files": digest.hexdigest()}


def make_environment(venv: Path) -> Path:
    """Return the interpreter of an environment of this Python's version. One of another version is replaced."""
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not is_usable(python):
        if (venv / "pyvenv.cfg").exists():
            shutil.rmtree(venv)
        advice = "Debian and Ubuntu package it apart from Python: apt-get install python3-venv"
        run("venv", [sys.executable, "-m", "venv", str(venv)], advice)
    return python


def is_usable(python: Path) -> bool:
    """Whether an interpreter runs, is of this Python's version, and has pip."""
    code = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    return (
        python.exists() and not subprocess.run([str(python), "-c", code], capture_output=True, check=False).returncode
    )


def install_uv(python: Path) -> str:
    """Install uv by its hash and without dependencies, so that pip resolves nothing."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    run(
        "pip",
        [str(python), "-m", "pip", "install", *options, f"--requirement={REQUIREMENTS / 'installer.lock'}"],
        "pip fetches one package, uv, from the index that it is set up for (PIP_INDEX_URL, pip.conf, PIP_CERT). "
        "uv has wheels for Linux (glibc and musl), macOS and Windows.",
    )
    return str(python.with_name("uv.exe" if os.name == "nt" else "uv"))


def uv_environment(python: Path) -> dict[str, str]:
    """The environment that uv runs in: pip's settings are handed on where uv has none of its own."""
    settings = pip_settings(python)
    handed = {name: settings[key] for key, name in PIP_SETTINGS.items() if key in settings and name not in os.environ}
    return {**os.environ, **handed}


def pip_settings(python: Path) -> dict[str, str]:
    """What pip's environment variables and files say for `pip install`, by name."""
    command = [str(python), "-m", "pip", "config", "list"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    listed = dict(line.split("=", 1) for line in ran.stdout.splitlines() if "=" in line)  # global.timeout='60'
    found: dict[str, str] = {}
    for scope in PIP_SCOPES:
        values = {name: value for name, value in listed.items() if name.startswith(f"{scope}.")}
        found |= {
            name.removeprefix(f"{scope}."): " ".join(literal_eval(value).split()) for name, value in values.items()
        }
    return {name: value for name, value in found.items() if value}


def run(tool: str, command: Sequence[str], advice: str, environment: Mapping[str, str] | None = None) -> None:
    """Run one step. Where it fails, say which tool failed and what to do."""
    try:
        ended = subprocess.run(command, env=environment, check=False).returncode
    except OSError as error:
        raise InstallError(f"{tool} could not be started: {error}\n{advice}") from error
    if ended:
        raise InstallError(f"{tool} failed with exit code {ended}: {' '.join(command)}\n{advice}")


if __name__ == "__main__":
    main()
