"""The interface of an engine for one stack, for tests, the demo and tools.

Not an engine: `inprocess.py` and `cli.py` are.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

Operation: TypeAlias = Literal["create", "update", "replace", "delete", "same", "import"]


class DeploymentError(RuntimeError):
    """An operation on a stack failed: the message names the resource, and says what happened."""


@dataclass(frozen=True)
class Changes:
    """The changes of an operation, or of a preview, to custom resources.

    Components, providers and the stack itself are not counted. A refresh counts drift as `update` and what is gone as
    `delete`.
    """

    create: int = 0
    update: int = 0
    replace: int = 0
    delete: int = 0
    same: int = 0
    imports: int = 0
    names: Mapping[Operation, tuple[str, ...]] = field(default_factory=dict[Operation, tuple[str, ...]])
    """The names in the program of what each operation was done to, sorted; `same` is not listed."""

    @classmethod
    def of(cls, steps: Iterable[tuple[Operation, str]]) -> "Changes":
        """Count steps, each an operation and the URN that it was done to.

        Example:
            >>> Changes.of([("create", "urn:pulumi:dev::mail::aws:sns/topic:Topic::events")])
            Changes(create=1, update=0, replace=0, delete=0, same=0, imports=0, names={'create': ('events',)})
        """
        names: dict[Operation, list[str]] = {}
        for operation, urn in steps:
            names.setdefault(operation, []).append(urn.rsplit("::", 1)[-1])
        counts = Counter({operation: len(found) for operation, found in names.items()})
        return cls(
            create=counts["create"],
            update=counts["update"],
            replace=counts["replace"],
            delete=counts["delete"],
            same=counts["same"],
            imports=counts["import"],
            names={operation: tuple(sorted(found)) for operation, found in names.items() if operation != "same"},
        )

    @property
    def any(self) -> bool:
        """Whether anything at all was, or would be, changed."""
        return bool(self.create or self.update or self.replace or self.delete or self.imports)


class Stack(Protocol):
    """One stack of one program under one engine. Every operation raises `DeploymentError` when it fails."""

    @property
    def engine(self) -> str:
        """Which engine this is, for people to read."""
        ...

    @property
    def outputs(self) -> dict[str, object]:
        """The program's exports in the last `up`; secrets in plain text."""
        ...

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the outputs that are secret as a whole."""
        ...

    def preview(self) -> Changes:
        """The changes that `up` would make. Changes nothing."""
        ...

    def up(self) -> Changes:
        """Bring the cloud in line with the program."""
        ...

    def refresh(self) -> Changes:
        """Bring the state in line with the cloud."""
        ...

    def destroy(self) -> Changes:
        """Delete everything that the state holds."""
        ...
