"""The in-process engine's state of a stack: a list of records in one JSON file.

Not Pulumi's format, and not encrypted: it holds secrets in plain text, and only its owner can read it.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mailstack_localcloud.pulumi.wire import Props

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
    ignored: list[str] = field(default_factory=list[str])
    replaced_on: list[str] = field(default_factory=list[str])
    replaced_with: list[str] = field(default_factory=list[str])
    """URNs whose replacement replaces this one, too."""
    trigger: Any = None
    """A value whose change replaces it."""
    import_id: str = ""
    """The id that it was imported by."""
    deleted_with: str = ""
    """The URN whose deletion deletes this one, too, without a call."""
    hooks: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Names of its hooks, by kind."""
    protect: bool = False
    retain: bool = False
    """Left standing when it is deleted from the program."""
    external: bool = False
    """Read and not made: never changed, never deleted."""
    retired: bool = False
    """Replaced by a newer one of the same URN, and still to be deleted."""

    @property
    def managed(self) -> bool:
        """Whether a provider plugin knows it."""
        return self.custom and not self.type.startswith("pulumi:")

    @property
    def title(self) -> str:
        """How people know it."""
        return f"{self.type} '{self.urn.rsplit('::', 1)[-1]}'"

    @property
    def needs(self) -> set[str]:
        """The URNs that must be there as long as it is."""
        provider = self.provider.rsplit("::", 1)[0]
        of_properties = {urn for urns in self.property_dependencies.values() for urn in urns}
        others = {self.parent, provider, self.deleted_with, *self.replaced_with}
        return {*self.dependencies, *of_properties, *others} - {"", self.urn}

    def renamed(self, old: str, new: str) -> "Record":
        """The same with another URN for what it refers to."""

        def now(urn: str) -> str:
            return new + urn.removeprefix(old) if urn == old or urn.startswith(f"{old}::") else urn

        of_properties = {name: [*map(now, urns)] for name, urns in self.property_dependencies.items()}
        return replace(
            self,
            parent=now(self.parent),
            provider=now(self.provider),
            dependencies=[*map(now, self.dependencies)],
            property_dependencies=of_properties,
            replaced_with=[*map(now, self.replaced_with)],
            deleted_with=now(self.deleted_with),
        )


def dependents_first(records: Iterable[Record]) -> list[Record]:
    """Each record after all that need it, as they must be deleted; otherwise the last made first."""
    newest = list(records)[::-1]
    needing: dict[str, list[Record]] = {}
    for record in newest:
        for urn in record.needs:
            needing.setdefault(urn, []).append(record)
    ordered: list[Record] = []
    seen: set[int] = set()

    def visit(record: Record) -> None:
        if id(record) not in seen:
            seen.add(id(record))
            for dependent in needing.get(record.urn, ()):
                visit(dependent)
            ordered.append(record)

    for record in newest:
        visit(record)
    return ordered


def load(path: Path) -> list[Record]:
    """The records, in the order of their creation; empty if there is no file."""
    if not path.exists():
        return []
    return [Record(**record) for record in json.loads(path.read_text(encoding="utf-8"))["resources"]]


def save(path: Path, records: Iterable[Record]) -> None:
    """Write the records atomically. A resource comes after the resources that it depends on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = dependents_first(records)[::-1]
    content = json.dumps({"note": _NOTE, "resources": [vars(record) for record in ordered]})
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    fresh.replace(path)
