"""The decisions of the in-process engine: the steps for each resource in an up, a preview, a refresh or a destroy.

After pkg/resource/deploy/step_generator.go in pulumi/pulumi. Not for speaking to the program (`monitor.py`) or to a
provider's process (`plugin.py`).
"""

import secrets
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mailstack_localcloud.pulumi.goal import Goal
from mailstack_localcloud.pulumi.hooks import HookError, Hooks, Subject
from mailstack_localcloud.pulumi.paths import contains, parse, reset
from mailstack_localcloud.pulumi.plugin import DiffResult, Plugin, PluginError
from mailstack_localcloud.pulumi.schema import PROVIDER, Problem
from mailstack_localcloud.pulumi.stack import Operation
from mailstack_localcloud.pulumi.state import Record, dependents_first
from mailstack_localcloud.pulumi.wire import UNKNOWN, Props, bare, is_unknown

_DEFAULT_PROVIDER = "urn:pulumi:default::default::pulumi:providers:aws::default"
_SEED_BYTES = 32  # of what a name of its own is made of
_ID_BYTES = 8  # of a provider's id


class StepError(RuntimeError):
    """A step failed: the message names the resource, and says what happened."""


class Deployment:
    """One operation on one stack. Thread-safe, as programs register resources side by side."""

    def __init__(
        self,
        old: Iterable[Record],
        config: Props,
        *,
        preview: bool,
        folder: Path,
        keep: Callable[[list[Record]], None],
        plugin: Plugin | None = None,
    ) -> None:
        """Begin.

        Args:
            old: What the last operation left.
            config: Of the default provider.
            preview: Change nothing.
            folder: Where the program runs; relative paths of archives start there.
            keep: Called with the current state after every step, in case no other follows.
            plugin: The default provider's, if it has been started.
        """
        self.preview = preview
        self._keep = keep
        self.steps: list[tuple[Operation, str]] = []
        self.errors: list[str] = []
        self.hooks = Hooks(preview=preview)
        self._config, self._folder = config, folder
        records = list(old)
        self._old = {record.urn: record for record in records if not record.retired}
        self._were = frozenset(self._old)
        self._retired = [record for record in records if record.retired]
        self._new: dict[str, Record] = {}
        self._started: set[str] = set()
        self._replaced: set[str] = set()
        self._gone: set[str] = set()  # deleted before their replacement is made
        self._doomed: set[str] = set()  # to be deleted in this operation
        self._renamed: dict[str, str] = {}
        self._plugins: dict[str, Plugin] = {}
        self._default = plugin or Plugin(folder=folder)  # it starts while the program does
        self._lock = threading.RLock()

    # --- what is there ---------------------------------------------------------------------------------------------

    @property
    def records(self) -> list[Record]:
        """The current records: processed ones, those not reached, and those still to delete."""
        return [*self._retired, *self._old.values(), *self._new.values()]

    def old_urn(self, urn: str) -> str:
        """The URN that a registered resource had before, for the aliases of its children."""
        return self._renamed.get(urn, urn)

    def set_outputs(self, urn: str, outputs: Props) -> None:
        """Set the outputs of a component, or of the stack itself."""
        with self._lock:
            if urn in self._new:
                self._new[urn].outputs = outputs

    def close(self) -> None:
        """Stop the plugins."""
        for plugin in {self._default, *self._plugins.values()}:
            plugin.close()

    def provider(self, said: str) -> str:
        """A provider reference: what is said, or that of the default provider, which is registered when first used."""
        if said:
            return said
        with self._lock:
            if _DEFAULT_PROVIDER not in self._new:
                self.register(Goal(_DEFAULT_PROVIDER, PROVIDER, custom=True, inputs=self._config))
            return f"{_DEFAULT_PROVIDER}::{self._new[_DEFAULT_PROVIDER].id}"

    def _provider(self, urn: str) -> Record:
        provider = self._new.get(urn) or self._old.get(urn)
        if provider is None:
            raise StepError(f"The provider {urn} is not in the stack: refresh with a program that has it.")
        return provider

    def invoke(self, reference: str, token: str, args: Props) -> Props:
        """Call a function. Of a provider whose configuration is not known yet, nothing is known.

        Raises:
            StepError: An argument is wrong.
        """
        if is_unknown(self._provider(reference.rsplit("::", 1)[0]).inputs):
            return {}
        result, problems = self.plugin(reference).invoke(token, args)
        _refuse([Problem(f"{token}: {problem.path}", problem.reason) for problem in problems])
        return result

    def plugin(self, reference: str) -> Plugin:
        """The configured plugin of a provider reference."""
        urn = reference.rsplit("::", 1)[0]
        with self._lock:
            if urn not in self._plugins:
                provider = self._provider(urn)
                started = self._default if urn == _DEFAULT_PROVIDER else Plugin(folder=self._folder)
                self._plugins[urn] = started
                _refuse(started.configure(urn, provider.inputs))
            return self._plugins[urn]

    @contextmanager
    def _telling(self, title: str) -> Generator[None]:
        """Name the resource in whatever goes wrong, and remember it."""
        try:
            yield
        except (StepError, PluginError, HookError) as error:
            sentence = f"{title}: {error}"
            self.errors.append(sentence)
            raise StepError(sentence) from error

    # --- up and preview --------------------------------------------------------------------------------------------

    def register(self, goal: Goal) -> Record:
        """Bring one resource in line with the program.

        Raises:
            StepError: It failed; `errors` says so too.
        """
        return self._settle(goal, self._register)

    def read(self, goal: Goal, identifier: str) -> Record:
        """Look up a resource that the program neither makes nor changes.

        Raises:
            StepError: There is none, or it cannot be read.
        """
        return self._settle(goal, lambda goal, old: self._read(goal, old, identifier))

    def _settle(self, goal: Goal, settle: "Callable[[Goal, Record | None], Record]") -> Record:
        with self._telling(goal.title):
            old = self._take_old(goal)
            record = settle(goal, old)
        with self._lock:
            self._old.pop(goal.urn, None)
            self._new[goal.urn] = record
            self._keep(self.records)
        return record

    def _take_old(self, goal: Goal) -> Record | None:
        """The record of before, under this URN or one of the aliases."""
        with self._lock:
            if goal.urn in self._started:
                raise StepError(f"Duplicate resource {goal.urn}: give one of the two another name.")
            if goal.urn in self._renamed.values():
                raise StepError(f"Another resource of the program has the alias {goal.urn}. Remove the alias.")
            self._started.add(goal.urn)
            urn = next((urn for urn in (goal.urn, *goal.aliases) if urn in self._were), None)
            if urn is None or urn == goal.urn:
                return self._old.get(goal.urn)
            if urn in self._started or urn in self._renamed.values():
                raise StepError(f"Its alias {urn} is the URN of another resource of the program. Remove the alias.")
            return self._rename(urn, goal.urn)

    def _rename(self, urn: str, new: str) -> Record | None:
        self._renamed[new] = urn
        self._old = {name: record.renamed(urn, new) for name, record in self._old.items()}
        self._retired = [record.renamed(urn, new) for record in self._retired]
        if urn in self._gone:
            self._gone.add(new)
        if urn in self._old:
            self._old[new] = replace(self._old.pop(urn), urn=new)
        return self._old.get(new)

    def _register(self, goal: Goal, old: Record | None) -> Record:
        if goal.type == PROVIDER:
            return self._register_provider(goal, old)
        if not goal.managed:
            return goal.record("", bare(goal.inputs), {})
        plugin = self.plugin(goal.provider)
        imported = goal.imports(old)
        if imported:
            old = self._import(plugin, goal, old)
        elif old is None or old.external:
            replaced = old is not None or goal.urn in self._gone
            return self._create(plugin, goal, "replace" if replaced else "create")
        news = bare(goal.inputs)
        for path in goal.ignored:
            news = reset(path, old.inputs, news)
        inputs = self._check(plugin, goal, news, old.inputs)
        found = self._diff(plugin, goal, old, inputs)
        if found.replaces:
            return self._replace(plugin, goal, old, found)
        if found.changed:
            return self._update(plugin, goal, inputs, old)
        if not imported:
            self._step("same", goal)
        return goal.record(old.id, inputs, old.outputs)

    def _register_provider(self, goal: Goal, old: Record | None) -> Record:
        """A provider that makes things elsewhere is another one: what the old one made is replaced."""
        inputs, problems = self._default.check_config(goal.urn, bare(goal.inputs))
        _refuse(problems)
        kept = old is not None and not self._default.replaces_config(goal.urn, old.inputs, inputs)
        return goal.record(old.id if old and kept else secrets.token_hex(_ID_BYTES), inputs, inputs)

    def _diff(self, plugin: Plugin, goal: Goal, old: Record, inputs: Props) -> DiffResult:
        reasons = {
            "replacementTrigger": goal.triggers(old),
            "replaceWith": not self._replaced.isdisjoint(goal.replaced_with),
            "provider": old.provider != goal.provider,
        }
        if any(reasons.values()):
            return DiffResult(
                changed=True, names=(), replaces=tuple(name for name in reasons if reasons[name]), delete_first=False
            )
        found = plugin.diff(goal.urn, old.id, old.inputs, old.outputs, inputs, goal.ignored)
        return replace(found, replaces=_replacing(found, goal.replaced_on))

    def _step(self, operation: Operation, goal: Goal) -> None:
        with self._lock:
            self.steps.append((operation, goal.urn))

    def _check(self, plugin: Plugin, goal: Goal, news: Props, olds: Props | None) -> Props:
        inputs, problems = plugin.check(goal.urn, news, olds, secrets.token_bytes(_SEED_BYTES))
        _refuse(problems)
        return inputs

    def _create(self, plugin: Plugin, goal: Goal, operation: Operation) -> Record:
        inputs = self._check(plugin, goal, bare(goal.inputs), None)
        subject = Subject(goal.urn, goal.type, new_inputs=inputs)
        self.hooks.run(goal.hooks, "before_create", subject)
        identifier, outputs = self.hooks.trying(
            goal.hooks, "create", subject, lambda: plugin.create(goal.urn, inputs, preview=self.preview)
        )
        self._step(operation, goal)
        self._after(goal, "after_create", replace(subject, id=identifier, new_outputs=outputs))
        return goal.record(identifier, inputs, outputs)

    def _update(self, plugin: Plugin, goal: Goal, inputs: Props, old: Record) -> Record:
        subject = Subject(goal.urn, goal.type, old.id, inputs, old.inputs, old_outputs=old.outputs)
        self.hooks.run(goal.hooks, "before_update", subject)

        def update() -> Props:
            olds, state = old.inputs, old.outputs
            return plugin.update(goal.urn, old.id, olds, state, inputs, goal.ignored, preview=self.preview)

        outputs = self.hooks.trying(goal.hooks, "update", subject, update)
        self._step("update", goal)
        self._after(goal, "after_update", replace(subject, new_outputs=outputs))
        return goal.record(old.id, inputs, outputs)

    def _after(self, of: Goal | Record, kind: str, subject: Subject) -> None:
        """Run the hooks of what is done: when one fails, it stays done, and the operation fails in the end."""
        try:
            self.hooks.run(of.hooks, kind, subject)
        except HookError as error:
            self.errors.append(f"{of.title}: {error}")

    def _import(self, plugin: Plugin, goal: Goal, old: Record | None) -> Record:
        """Take over what is there as it is; what the program wants otherwise is changed afterwards."""
        found = plugin.read(goal.urn, goal.import_id, {}, {})
        if found is None:
            raise StepError(f"it cannot be imported: no resource has the id {goal.import_id}")
        record = goal.record(goal.import_id, found.inputs, found.state)
        with self._lock:
            if old is not None:
                self._retire(old)
            self._old[goal.urn] = record
            self._step("import" if old is None else "replace", goal)
        return record

    def _read(self, goal: Goal, old: Record | None, identifier: str) -> Record:
        given = bare(goal.inputs)
        if identifier == UNKNOWN:
            return goal.record("", given, {}, external=True)
        found = self.plugin(goal.provider).read(goal.urn, identifier, given, given)
        if found is None:
            raise StepError(f"no resource has the id {identifier}")
        if old is not None and not old.external and old.id != identifier:
            with self._lock:
                self._retire(old)
                self._step("replace", goal)
        return goal.record(identifier, given, found.state, external=True)

    # --- replacement -----------------------------------------------------------------------------------------------

    def _replace(self, plugin: Plugin, goal: Goal, old: Record, found: DiffResult) -> Record:
        if old.protect and goal.protect:
            raise StepError("the change needs a replacement, and it is protected: remove `protect` first")
        if goal.import_id and not self.preview:
            what = ", ".join(found.replaces)
            raise StepError(f"a change of {what} needs a replacement, and it is imported: remove `import_` first")
        with self._lock:
            self._replaced.add(goal.urn)
            if found.delete_first if goal.delete_first is None else goal.delete_first:
                self._delete_before(old)
                return self._create(plugin, goal, "replace")
        record = self._create(plugin, goal, "replace")
        with self._lock:
            self._retire(old)
        return record

    def _retire(self, old: Record) -> None:
        self._retired.append(replace(old, retired=True))

    def _delete_before(self, old: Record) -> None:
        """Delete a resource before it is replaced, and before that the resources that are replaced with it."""
        taken_along = self._replaced_dependents(old)
        for record in taken_along:
            if record.protect:
                raise StepError(f"{record.title} depends on it and would be replaced with it, but is protected")
        self._doomed |= {record.urn for record in taken_along}
        for record in [*reversed(taken_along), old]:
            self._delete(record)
            self._old.pop(record.urn)
            self._gone.add(record.urn)
            self._keep(self.records)

    def _replaced_dependents(self, root: Record) -> list[Record]:
        """The resources that depend on a resource and would be replaced with it, in the order of creation."""
        doomed, found = {root.urn}, list[Record]()
        for record in reversed(dependents_first(self._old.values())):
            left = record.managed and not record.external and record.urn not in self._started
            if left and (root.urn in record.replaced_with or self._is_replaced_with(record, doomed)):
                doomed.add(record.urn)
                found.append(record)
        return found

    def _is_replaced_with(self, record: Record, doomed: set[str]) -> bool:
        touched = [name for name, urns in record.property_dependencies.items() if not doomed.isdisjoint(urns)]
        if not touched:
            return False
        inputs = {**record.inputs, **{name: UNKNOWN for name in touched if name in record.inputs}}
        plugin = self.plugin(record.provider)
        found = plugin.diff(record.urn, record.id, record.inputs, record.outputs, inputs, record.ignored)
        return bool(_replacing(found, record.replaced_on))

    # --- deletion --------------------------------------------------------------------------------------------------

    def prune(self) -> None:
        """Delete what was replaced, and what the program no longer has: what needs others first."""
        condemned = dependents_first([*self._retired, *self._old.values()])
        self._doomed |= {record.urn for record in condemned}
        for record in condemned:
            with self._telling(record.title):
                self._delete(record)
            if record.retired:
                self._retired = [other for other in self._retired if other is not record]
            else:
                self._old.pop(record.urn)
            self._keep(self.records)
            if record.managed and not record.external and not record.retired:
                self.steps.append(("delete", record.urn))

    def _delete(self, record: Record) -> None:
        """Delete a resource, unless something else does, or nothing may."""
        if record.protect and not record.retired and record.urn not in self._replaced:
            raise StepError("the program no longer has it, and it is protected: remove `protect` first")
        old = {"old_inputs": record.inputs, "old_outputs": record.outputs}
        subject = Subject(record.urn, record.type, record.id, **old)
        self.hooks.run(record.hooks, "before_delete", subject)
        spared = record.external or record.retain or record.deleted_with in self._doomed
        if record.managed and not spared and not self.preview:
            plugin = self.plugin(record.provider)
            self.hooks.trying(
                record.hooks,
                "delete",
                subject,
                lambda: plugin.delete(record.urn, record.id, record.inputs, record.outputs),
            )
        self._after(record, "after_delete", subject)

    # --- refresh ---------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring what is remembered in line with what is there."""
        for urn, record in list(self._old.items()):
            if not record.managed:
                continue
            with self._telling(record.title):
                found = self.plugin(record.provider).read(urn, record.id, record.inputs, record.outputs)
            if found is None:
                self._old.pop(urn)
                self.steps.append(("delete", urn))
                continue
            inputs = record.inputs if record.external else found.inputs
            drifted = found.state != record.outputs if record.external else inputs != record.inputs
            self.steps.append(("update" if drifted else "same", urn))
            self._old[urn] = replace(record, inputs=inputs, outputs=found.state)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise StepError("; ".join(f"{problem.path}: {problem.reason}" for problem in problems))


def _replacing(found: DiffResult, replaced_on: list[str]) -> tuple[str, ...]:
    """The inputs that need a replacement: for the provider, and for the program."""
    wanted = [parse(path) for path in replaced_on]
    changed = [parse(path) for path in (*found.names, *found.paths)]
    forced = [str(each[0]) for each in changed if any(contains(path, each) for path in wanted)]
    return tuple(dict.fromkeys([*found.replaces, *forced]))
