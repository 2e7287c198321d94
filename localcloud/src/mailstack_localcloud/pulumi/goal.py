"""A resource goal: what a program asks of the engine for one resource, in plain values. Not for deciding the steps."""

from dataclasses import dataclass, field
from typing import Any

from mailstack_localcloud.pulumi.state import Record
from mailstack_localcloud.pulumi.wire import Props, is_secret, is_unknown


@dataclass(frozen=True)
class Goal:
    """A resource as the program wants it; the options are those of `pulumi.ResourceOptions`."""

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
    replaced_with: list[str] = field(default_factory=list[str])
    trigger: Any = None
    secret_outputs: list[str] = field(default_factory=list[str])
    delete_first: bool | None = None
    """The program's option; None leaves it to the provider."""
    import_id: str = ""
    deleted_with: str = ""
    hooks: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Names of hooks, by kind; see `hooks.py`."""
    protect: bool = False
    retain: bool = False

    @property
    def title(self) -> str:
        """How people know it."""
        return f"{self.type} '{self.urn.rsplit('::', 1)[-1]}'"

    @property
    def managed(self) -> bool:
        """Whether a provider plugin makes it."""
        return self.custom and not self.type.startswith("pulumi:")

    def imports(self, old: Record | None) -> bool:
        """Whether it must be imported from the cloud, and is not yet."""
        known = "" if old is None or old.external else old.import_id or old.id
        return bool(self.import_id) and known != self.import_id

    def triggers(self, old: Record) -> bool:
        """Whether the value whose change replaces it has changed."""
        if is_unknown(self.trigger) or is_unknown(old.trigger):
            return True
        return None not in (self.trigger, old.trigger) and self.trigger != old.trigger

    def record(self, identifier: str, inputs: Props, outputs: Props, *, external: bool = False) -> Record:
        """The record of it in the state."""
        secrets = {name for name, value in self.inputs.items() if is_secret(value)} | {*self.secret_outputs}
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
            secrets=sorted(secrets),
            ignored=self.ignored,
            replaced_on=self.replaced_on,
            replaced_with=self.replaced_with,
            trigger=self.trigger,
            import_id=self.import_id,
            deleted_with=self.deleted_with,
            hooks=self.hooks,
            protect=self.protect,
            retain=self.retain,
            external=external,
        )
