"""The table of a stack's outputs in docs/reference/stack-outputs.md, written from the contract: `make docs`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from mailer.stack import StackOutputs
from tools.docs.marked import with_block


def table() -> str:
    """Each field with its type, its default and its meaning."""
    return "\n".join(["| field | type | default | meaning |", "| --- | --- | --- | --- |", *_rows()])


def _rows() -> Iterator[str]:
    for name, field in StackOutputs.model_fields.items():
        default = "" if field.is_required() else f"`{field.default!r}`"
        yield f"| `{name}` | `{_type(field)}` | {default} | {field.description or ''} |"


def _type(field: FieldInfo) -> str:
    kind: Any = field.annotation
    shown = kind.__name__ if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)
    return shown.replace("mailer.stack.", "").replace("typing.", "")


def written(page: str) -> str:
    """The page with its table written again."""
    return with_block(page, "outputs", table())


def main(path: str) -> None:
    """Write the table of a page again."""
    page = Path(path)
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
