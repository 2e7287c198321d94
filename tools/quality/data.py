"""Writes what `mailer templates score` uses: support of mail clients, the accessibility engine, their licences.

    .venv/bin/python tools/quality/data.py

Needs npm and its registry; the library and its tests need neither. Both are pinned and committed:
`mailer/quality/caniemail.json` (caniemail.com, MIT) and `mailer/quality/axe.min.js` (axe-core, MPL 2.0, unchanged).
"""

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

CANIEMAIL, AXE = "2.0.2", "4.14.1"
FOLDER = Path(__file__).parents[2] / "mailer" / "quality"
_SECONDS = 120
_LICENCES = {
    "caniemail.txt": ("caniemail", CANIEMAIL, "LICENSE"),
    "axe-core.txt": ("axe-core", AXE, "LICENSE"),
    "axe-core-third-party.txt": ("axe-core", AXE, "LICENSE-3RD-PARTY.txt"),
}
# What a client does with a feature: supports it, in part, not at all, or nobody has tested it.
_LETTERS = frozenset("yanu")


def main() -> None:
    """Write both files."""
    data = json.loads(packed("caniemail", CANIEMAIL, "package/dist/data/caniemail.json"))
    (FOLDER / "caniemail.json").write_text(snapshot(data), encoding="utf-8")
    (FOLDER / "axe.min.js").write_bytes(packed("axe-core", AXE, "package/axe.min.js"))
    for file, (name, version, path) in _LICENCES.items():
        (FOLDER / "licences" / file).write_bytes(packed(name, version, f"package/{path}"))


def packed(name: str, version: str, path: str) -> bytes:
    """A file of an npm package."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{name}@{version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=_SECONDS)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            file = archive.extractfile(path)
            if file is None:
                raise LookupError(f"{name} has no file {path}")
            return file.read()


def snapshot(data: dict[str, Any]) -> str:
    """The newest version of each client, and a letter for each of them at each feature."""
    names = data["nicenames"]
    clients = sorted(
        {(family, platform) for one in data["data"] for family, each in one["stats"].items() for platform in each}
    )
    features = [
        (one["slug"], one["category"], one["title"], "".join(_letter(one, *client) for client in clients))
        for one in data["data"]
        if one["category"] != "others"
    ]
    head = {
        "source": f"https://www.caniemail.com, the npm package caniemail {CANIEMAIL}, by tools/quality/data.py",
        "licence": "MIT",
        "date": data["last_update_date"][:10],
        "clients": [f"{names['family'][family]} ({names['platform'][platform]})" for family, platform in clients],
    }
    lines = ",\n".join(f"    {json.dumps(one, ensure_ascii=False)}" for one in features)
    return f'{json.dumps(head, indent=2, ensure_ascii=False)[:-2]},\n  "features": [\n{lines}\n  ]\n}}\n'


def _letter(feature: dict[str, Any], family: str, platform: str) -> str:
    versions = feature["stats"].get(family, {}).get(platform, {})
    letter = list(versions.values())[-1][0] if versions else "u"
    return letter if letter in _LETTERS else "u"


if __name__ == "__main__":
    main()
