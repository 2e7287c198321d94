"""The pictures of docs/development/architecture.md, drawn from the import graph: `make docs`.

Not for deciding who may import whom: the contracts in pyproject.toml do that.
"""

import ast
import sys
from collections.abc import Mapping
from pathlib import Path

import grimp

from tools.docs.marked import with_block

ROOT = Path(__file__).parents[2]
ROOMS = ("mailer", "mailstack_infra", "mailstack_localcloud", "demo")
# Not packages that can be imported: each folder holds a `handler.py` of its own.
HANDLERS = "lambdas"
# The folders of the rooms that have layers worth a picture.
LAYERED = ("mailer", "mailstack_infra", "mailstack_localcloud")

Imports = dict[str, set[str]]


def pictures() -> dict[str, str]:
    """A Mermaid flowchart for the rooms, and one for the inside of each."""
    graph = grimp.build_graph(*ROOMS, cache_dir=None, exclude_type_checking_imports=False)
    found = {"rooms": mermaid(_rooms(graph))}
    return found | {room: mermaid(_reduced(_inside(graph, room))) for room in LAYERED}


def _rooms(graph: grimp.ImportGraph) -> Imports:
    imports: Imports = {room: set() for room in ROOMS}
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            imports[importer.split(".")[0]].add(imported.split(".")[0])
    imports = {room: imported - {room} for room, imported in imports.items()}
    imports[HANDLERS] = {name for file in (ROOT / HANDLERS).glob("*/*.py") for name in _imported_by(file) & set(ROOMS)}
    return imports


def _imported_by(file: Path) -> set[str]:
    """The top-level packages that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def _inside(graph: grimp.ImportGraph, room: str) -> Imports:
    """The imports between the folders and files directly in a room."""
    imports: Imports = {child.rpartition(".")[2]: set() for child in graph.find_children(room)}
    for importer in graph.find_descendants(room):
        for imported in graph.find_modules_directly_imported_by(importer):
            if imported.startswith(f"{room}."):
                imports[importer.split(".")[1]].add(imported.split(".")[1])
    return {part: imported - {part} for part, imported in imports.items()}


def mermaid(imports: Mapping[str, set[str]]) -> str:
    """A flowchart in which an arrow means "imports"."""
    names = sorted(imports)
    lines = ["```mermaid", "flowchart TD", *(f'    {name}["{name}"]' for name in names)]
    lines += [f"    {name} --> {other}" for name in names for other in sorted(imports[name])]
    return "\n".join([*lines, "```"])


def _reduced(imports: Mapping[str, set[str]]) -> Imports:
    """Without imports that follow from others: A, which imports B, which imports C, imports C anyway.

    Of parts that import each other, every import stays.
    """
    reached = {name: _reached(imports, name) for name in imports}

    def indirect(name: str) -> set[str]:
        return {far for near in imports[name] if name not in reached[near] for far in reached[near]}

    return {name: direct - indirect(name) for name, direct in imports.items()}


def _reached(imports: Mapping[str, set[str]], name: str) -> set[str]:
    """All that a part imports, directly or not."""
    found: set[str] = set()
    waiting = set(imports[name])
    while waiting:
        found |= waiting
        waiting = {far for near in waiting for far in imports[near]} - found
    return found


def written(page: str) -> str:
    """The page with its pictures drawn again."""
    for name, picture in pictures().items():
        page = with_block(page, name, picture)
    return page


def main(path: str) -> None:
    """Draw the pictures of a page again."""
    page = Path(path)
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
