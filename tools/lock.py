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
    "--python-version=3.11",
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
    (ROOT / LOCKS / "installer.lock").write_text(block_of("uv", (ROOT / LOCKS / "dev.lock").read_text()))


def compile_lock(name: str, sources: list[str]) -> None:
    """Write one lock."""
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "pip", "compile", *OPTIONS, *sources, f"--output-file={LOCKS / name}"], cwd=ROOT, check=True)


def block_of(package: str, lock: str) -> str:
    """The lines of one package in a lock: its version and its hashes."""
    lines = lock.splitlines(keepends=True)
    begin = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = next((number for number in range(begin + 1, len(lines)) if not lines[number].startswith(" ")), len(lines))
    return "".join(lines[begin:end])


if __name__ == "__main__":
    main()
