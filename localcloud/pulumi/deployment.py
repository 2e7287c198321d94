"""The decisions of the in-process engine: what becomes of each resource, in an up, a preview, a refresh, a destroy.

Not for speaking to the program (`monitor.py`) or to a provider's process (`plugin.py`).
"""

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from localcloud.pulumi.paths import reset
from localcloud.pulumi.plugin import Plugin, PluginError
from localcloud.pulumi.stack import Operation
from localcloud.pulumi.state import Record
from localcloud.pulumi.wire import UNKNOWN, Props, bare, is_secret


class StepError(RuntimeError):
    """A step failed: the message names the resource, and says what happened."""


@dataclass(frozen=True)
class Goal:
    """A resource as the program wants it."""

    urn: str
    type: str
    custom: bool
    inputs: Props
    """May hold secrets and unknowns."""
    parent: str = ""
    provider: str = ""
    dependencies: list[str] = field(default_factory=list[str])
    property_dependencies: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    aliases: list[str] = field(default_factory=list[str])
    """URNs that it may have had."""
    ignored: list[str] = field(default_factory=list[str])
    replaced_on: list[str] = field(default_factory=list[str])
    secret_outputs: list[str] = field(default_factory=list[str])
    delete_first: bool | None = None
    """What the program says; None leaves it to the provider."""
    protect: bool = False
    retain: bool = False

    @property
    def title(self) -> str:
        """How people know it."""
        return f"{self.type} '{self.urn.rsplit('::', 1)[-1]}'"

    def record(self, identifier: str, inputs: Props, outputs: Props) -> Record:
        """What to remember of it."""
        return Record(
            urn=self.urn,
            type=self.type,
            custom=self.custom,
            id=identifier,
            inputs=inputs,
            outputs=outputs,
            parent=self.parent,
            provider=self.provider,
            dependencies=self.dependencies,
            property_dependencies=self.property_dependencies,
            secrets=sorted({name for name, value in self.inputs.items() if is_secret(value)} | {*self.secret_outputs}),
            protect=self.protect,
            retain=self.retain,
        )


class Deployment:
    """One operation on one stack. Thread-safe, as programs register resources side by side."""

    def __init__(self, old: Iterable[Record], config: Props, *, preview: bool, folder: Path) -> None:
        """Begin.

        Args:
            old: What the last operation left.
            config: Of the default provider.
            preview: Change nothing.
            folder: Where the program runs; relative paths of archives start there.
        """
        self.preview = preview
        self.steps: list[tuple[Operation, str]] = []
        self.errors: list[str] = []
        self._config, self._folder = config, folder
        records = list(old)
        self._old = {record.urn: record for record in records if not record.retired}
        self._order = [record.urn for record in records if not record.retired]
        self._retired = [record for record in records if record.retired]
        self._new: dict[str, Record] = {}
        self._started: set[str] = set()
        self._deleted_early: set[str] = set()
        self._renamed: dict[str, str] = {}
        self._plugins: dict[str, Plugin] = {}
        self._default = Plugin(folder=folder)  # it starts while the program does
        self._lock = threading.RLock()

    # --- what is there ---------------------------------------------------------------------------------------------

    @property
    def records(self) -> list[Record]:
        """What is there now: what was reached, what was not, and what is still to be deleted."""
        rest = [self._old[urn] for urn in self._order if urn in self._old]
        # Old ones first: nothing that is left of them depends on a new one.
        return [*self._retired, *rest, *self._new.values()]

    def old_urn(self, urn: str) -> str:
        """The URN that a registered resource had before, for the aliases of its children."""
        return self._renamed.get(urn, urn)

    def close(self) -> None:
        """Stop the plugins."""
        for plugin in {self._default, *self._plugins.values()}:
            plugin.close()

    def plugin(self, reference: str) -> Plugin:
        """The configured plugin of a provider reference, or of the default provider."""
        urn = reference.rsplit("::", 1)[0]
        with self._lock:
            if urn not in self._plugins:
                config = self._config
                if urn:
                    provider = self._new.get(urn) or self._old.get(urn)
                    if provider is None:
                        raise StepError(f"The provider {urn} is not in the stack: refresh with a program that has it.")
                    config = provider.inputs
                started = Plugin(folder=self._folder) if urn else self._default
                problems = started.configure(
                    urn or "urn:pulumi:default::default::pulumi:providers:aws::default", config
                )
                if problems:
                    started.close()
                    told = "; ".join(f"{problem.path}: {problem.reason}" for problem in problems)
                    raise StepError(f"The provider {urn or 'aws (the default one)'} has a problem: {told}")
                self._plugins[urn] = started
            return self._plugins[urn]

    # --- up and preview --------------------------------------------------------------------------------------------

    def register(self, goal: Goal) -> Record:
        """Bring one resource in line with the program.

        Raises:
            StepError: It failed; `errors` says so too.
        """
        try:
            with self._lock:
                if goal.urn in self._started:
                    raise StepError(f"Duplicate resource: two are called {goal.urn}. Give one another name.")  # noqa: TRY301
                self._started.add(goal.urn)
            record = self._register(goal)
        except (StepError, PluginError) as error:
            sentence = f"{goal.title}: {error}"
            self.errors.append(sentence)
            raise StepError(sentence) from error
        with self._lock:
            self._new[goal.urn] = record
        return record

    def _register(self, goal: Goal) -> Record:
        old = self._take_old(goal)
        if not goal.custom or goal.type.startswith("pulumi:providers:"):
            with self._lock:
                self._old.pop(goal.urn, None)
            identifier = (
                "" if not goal.custom else (old.id if old else hashlib.sha256(goal.urn.encode()).hexdigest()[:16])
            )
            return goal.record(identifier, bare(goal.inputs), bare(goal.inputs) if goal.custom else {})
        news = bare(goal.inputs)
        for path in goal.ignored if old else ():
            news = reset(path, old.inputs if old else {}, news)
        plugin = self.plugin(goal.provider)
        inputs = self._check(plugin, goal, news, old.inputs if old else None)
        if old is None:
            return self._create(plugin, goal, inputs, "replace" if goal.urn in self._deleted_early else "create")
        found = plugin.diff(goal.urn, old.id, old.inputs, old.outputs, inputs, goal.ignored)
        forced = {path.split(".")[0] for path in goal.replaced_on} & {*found.names}
        if found.replaces or forced or old.provider.rsplit("::", 1)[0] != goal.provider.rsplit("::", 1)[0]:
            first = found.delete_first if goal.delete_first is None else goal.delete_first
            return self._replace(plugin, goal, news, old, delete_first=first)
        if found.changed:
            return self._update(plugin, goal, inputs, old)
        return self._done("same", goal, goal.record(old.id, inputs, old.outputs))

    def _take_old(self, goal: Goal) -> Record | None:
        """The record of before, under this URN or one of the aliases."""
        with self._lock:
            for urn in (goal.urn, *goal.aliases):
                if urn in self._old and (urn == goal.urn or urn not in self._started):
                    found = self._old.pop(urn)
                    if urn != goal.urn:
                        self._renamed[goal.urn] = urn
                        self._order[self._order.index(urn)] = goal.urn
                    self._old[goal.urn] = replace(found, urn=goal.urn)
                    return self._old[goal.urn]
        return None

    def _done(self, operation: Operation, goal: Goal, record: Record) -> Record:
        with self._lock:
            self._old.pop(goal.urn, None)
            self.steps.append((operation, goal.urn))
        return record

    def _check(self, plugin: Plugin, goal: Goal, news: Props, olds: Props | None) -> Props:
        seed = hashlib.sha256(f"{goal.urn}{len(self._retired)}{olds is None}".encode()).digest()
        inputs, problems = plugin.check(goal.urn, news, olds, seed)
        if problems:
            raise StepError("; ".join(f"{problem.path}: {problem.reason}" for problem in problems))
        return inputs

    def _create(self, plugin: Plugin, goal: Goal, inputs: Props, operation: Operation) -> Record:
        identifier, outputs = plugin.create(goal.urn, inputs, preview=self.preview)
        return self._done(operation, goal, goal.record(identifier, inputs, outputs))

    def _update(self, plugin: Plugin, goal: Goal, inputs: Props, old: Record) -> Record:
        outputs = plugin.update(goal.urn, old.id, old.inputs, old.outputs, inputs, goal.ignored, preview=self.preview)
        return self._done("update", goal, goal.record(old.id, inputs, outputs))

    def _replace(self, plugin: Plugin, goal: Goal, news: Props, old: Record, *, delete_first: bool) -> Record:
        if old.protect:
            raise StepError("it is protected, and the change needs a new one: take `protect` away first")
        fresh = self._check(plugin, goal, news, None)
        if delete_first:
            with self._lock:
                self._delete_dependents(old)
                self._delete(old)
                self._old.pop(goal.urn, None)
                self._deleted_early.add(goal.urn)
            return self._create(plugin, goal, fresh, "replace")
        record = self._create(plugin, goal, fresh, "replace")
        with self._lock:
            self._retired.append(replace(old, retired=True))
        return record

    def _delete_dependents(self, of: Record) -> None:
        """Delete what depends on a resource and would be replaced with it, the last made first."""
        for urn in reversed(self._order):
            record = self._old.get(urn)
            if record is None or not record.managed or urn in self._started:
                continue
            touched = [name for name, urns in record.property_dependencies.items() if of.urn in urns]
            if not touched:
                continue
            inputs = {**record.inputs, **dict.fromkeys(touched, UNKNOWN)}
            if self.plugin(record.provider).diff(urn, record.id, record.inputs, record.outputs, inputs).replaces:
                self._delete_dependents(record)
                self._delete(record)
                self._old.pop(urn)
                self._deleted_early.add(urn)

    def prune(self) -> None:
        """Delete what was replaced, and what the program no longer has: the last made first."""
        for record in reversed(self._retired[:]):
            self._attempt(record, self._retired.remove)
        for urn in reversed(self._order[:]):
            record = self._old.get(urn)
            if record is not None:
                self._attempt(record, lambda gone: self._old.pop(gone.urn), counted=True)

    def _attempt(self, record: Record, forget: Callable[[Record], object], *, counted: bool = False) -> None:
        try:
            self._delete(record)
        except (StepError, PluginError) as error:
            sentence = f"{record.type} '{record.urn.rsplit('::', 1)[-1]}': {error}"
            self.errors.append(sentence)
            raise StepError(sentence) from error
        forget(record)
        if counted and record.managed:
            self.steps.append(("delete", record.urn))

    def _delete(self, record: Record) -> None:
        if record.protect:
            raise StepError("it is protected, and the program no longer has it: take `protect` away first")
        if record.managed and not record.retain and not self.preview:
            self.plugin(record.provider).delete(record.urn, record.id, record.inputs, record.outputs)

    # --- refresh ---------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring what is remembered in line with what is there."""
        for urn in self._order[:]:
            record = self._old.pop(urn)
            if not record.managed:
                self._new[urn] = record
                continue
            found = self.plugin(record.provider).read(urn, record.id, record.inputs, record.outputs)
            if found is None:
                self.steps.append(("delete", urn))
                continue
            drifted = found.inputs != record.inputs
            self.steps.append(("update" if drifted else "same", urn))
            self._new[urn] = replace(record, inputs=found.inputs, outputs=found.state)
