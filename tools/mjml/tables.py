"""Writes the table of MJML's elements and attributes that templates are checked against.

    .venv/bin/python -m tools.mjml.tables

Needs npm and Node.js, and the npm registry; the library and its tests need neither. The table comes from MJML's own
packages (MIT), of the version below.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

VERSION = "5.4.1"
TABLE = Path(__file__).parents[2] / "mailer" / "templates" / "mjml_elements.json"
# What MJML reads itself, and no component declares. https://documentation.mjml.io/
_WITHOUT_COMPONENT: dict[str, dict[str, Any]] = {
    "mjml": {"attributes": {"lang": "string", "dir": "enum(ltr,rtl,auto)", "owa": "string", "version": "string"}},
    "mj-all": {"attributes": {}, "children": None, "raw": False},
    "mj-class": {"attributes": {"name": "string"}, "children": None, "raw": False},
    "mj-selector": {"attributes": {"path": "string"}},
    "mj-html-attribute": {"attributes": {"name": "string"}, "raw": True},
}
_ANY_CHILDREN = frozenset({"mj-attributes", "mj-all", "mj-class"})
_SECONDS = 300


def main() -> None:
    """Write the table."""
    with tempfile.TemporaryDirectory() as folder:
        installed(Path(folder))
        published: dict[str, Any] = json.loads(run(Path(folder), "tables.js"))
    TABLE.write_text(text(published), encoding="utf-8")


def installed(folder: Path) -> None:
    """Install MJML into a folder."""
    for command in (["npm", "init", "-y"], ["npm", "install", "--ignore-scripts", "--no-audit", f"mjml@{VERSION}"]):
        subprocess.run(
            command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=_SECONDS
        )


def run(folder: Path, script: str, given: str = "") -> str:
    """What one of the scripts beside this file prints, run where MJML is installed."""
    shutil.copy(Path(__file__).with_name(script), folder)
    answer = subprocess.run(
        ["node", script], cwd=folder, check=True, input=given, stdout=subprocess.PIPE, text=True, timeout=_SECONDS
    )
    return answer.stdout


def text(published: dict[str, Any]) -> str:
    """The file: an element a line, so that a difference can be read."""
    elements: dict[str, dict[str, Any]] = published["elements"]
    for name, more in _WITHOUT_COMPONENT.items():
        elements[name] = {**elements.get(name, {}), **more}
    for name, element in elements.items():
        if element["children"] is None and name not in _ANY_CHILDREN:
            element["children"] = []
    lines = [f"    {json.dumps(name)}: {json.dumps(elements[name], sort_keys=True)}" for name in sorted(elements)]
    source = f"the npm package mjml {published['version']} (MIT), by tools/mjml/tables.py"
    head = f'  "source": "{source}",\n  "version": "{published["version"]}",\n'
    colours = f'  "colors": {json.dumps(sorted(published["colors"]))},\n'
    return "{\n" + head + colours + '  "elements": {\n' + ",\n".join(lines) + "\n  }\n}\n"


if __name__ == "__main__":
    main()
