"""What the in-process engine remembers of a stack: a list of records in one JSON file.

Not Pulumi's format, and not encrypted: secrets stand in it in plain text, and the file is readable by its owner alone.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localcloud.pulumi.wire import Props

STACK = "pulumi:pulumi:Stack"
_NOTE = "State of localcloud's in-process engine (a test engine, not Pulumi's). Secrets are not encrypted."


@dataclass
class Record:
    """One resource, or component, as it was after the last operation on it."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Props = field(default_factory=dict[str, Any])
    outputs: Props = field(default_factory=dict[str, Any])
    parent: str = ""
    provider: str = ""
    """`<urn>::<id>` of an explicit provider; empty for the default one."""
    dependencies: list[str] = field(default_factory=list[str])
    property_dependencies: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    secrets: list[str] = field(default_factory=list[str])
    """Names of the outputs that are secret."""
    protect: bool = False
    retain: bool = False
    """Left standing when it is deleted from the program."""
    retired: bool = False
    """Replaced by a newer one of the same URN, and still to be deleted."""

    @property
    def managed(self) -> bool:
        """Whether a provider plugin made it, and must delete it."""
        return self.custom and not self.type.startswith("pulumi:")


def load(path: Path) -> list[Record]:
    """The records, in the order in which they were made; none when there is no file."""
    if not path.exists():
        return []
    return [Record(**record) for record in json.loads(path.read_text(encoding="utf-8"))["resources"]]


def save(path: Path, records: Iterable[Record]) -> None:
    """Write the records: whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"note": _NOTE, "resources": [asdict(record) for record in records]}, indent=2)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    fresh.replace(path)
