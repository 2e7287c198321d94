"""Resolves requirements/*.lock again: `make lock`. Every lock has hashes, no index, and one version of a package."""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = Path("requirements")
OPTIONS = [
    "--quiet",
    "--universal",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    # Without it, a package that is locked bare and asked for with an extra are two requirements to older pips.
    "--no-strip-extras",
    # Part of this repository: installed from its folder.
    "--no-emit-package=mailstack-localcloud",
]
# Each lock, and what it is resolved from. The later ones take their versions from the first.
DEV = ["--all-extras", "--group=dev", "pyproject.toml"]
CONSTRAINED = ["pyproject.toml", "--constraint=requirements/dev.lock"]
SMALLER = {"demo.lock": ["--extra=infra", "--extra=local", "--group=install", *CONSTRAINED]}
# Django alone, in versions that dev.lock does not have for each Python: tools/djangos.py.
DJANGOS = ("5.2", "6.0")
OLDEST, OLDEST_OF_DJANGO = "3.11", "3.12"


def main() -> None:
    """Resolve the development lock, take the smaller ones from it, and the installer's own line."""
    parser = argparse.ArgumentParser(description="Resolve the locks again.")
    parser.add_argument(
        "--upgrade", action="store_true", help="take the newest versions (default: keep those of today)"
    )
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    compile_lock("dev.lock", DEV + upgrade)
    for name, sources in SMALLER.items():
        compile_lock(name, sources)
    for version in DJANGOS:
        requirement = f"django=={version}.*\n"
        compile_lock(f"django-{version}.lock", ["-", "--no-deps", *upgrade], OLDEST_OF_DJANGO, requirement)
    (ROOT / LOCKS / "installer.lock").write_text(block_of("uv", (ROOT / LOCKS / "dev.lock").read_text()))


def compile_lock(name: str, sources: list[str], python: str = OLDEST, requirement: str = "") -> None:
    """Write one lock, for a Python and newer ones. `requirement` is what the source `-` holds."""
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "pip", "compile", *OPTIONS, f"--python-version={python}", *sources, f"--output-file={LOCKS / name}"]
    subprocess.run(command, cwd=ROOT, check=True, input=requirement, text=True)


def block_of(package: str, lock: str) -> str:
    """The lines of one package in a lock: its version and its hashes."""
    lines = lock.splitlines(keepends=True)
    begin = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = next((number for number in range(begin + 1, len(lines)) if not lines[number].startswith(" ")), len(lines))
    return "".join(lines[begin:end])


if __name__ == "__main__":
    main()
