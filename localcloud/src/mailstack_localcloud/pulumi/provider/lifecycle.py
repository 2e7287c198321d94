"""The life cycle of a resource, the same for every type: check, diff, preview, create, read, update, delete.

Not for gRPC (`server.py`), and not for any one service (`resources/`).
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from mailstack_localcloud.pulumi import schema
from mailstack_localcloud.pulumi.paths import join, reset
from mailstack_localcloud.pulumi.provider.cloud import Cloud, ProviderError, is_gone, translate_errors
from mailstack_localcloud.pulumi.provider.resource import Allowed, Arg, Form, Made, Resource, as_json, as_policy
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import UNKNOWN, Props, is_unknown, obj

DEFAULTS = "__defaults"
"""Among the inputs, the names of those that the provider chose, as in the official provider."""
_SUFFIX = 7


@dataclass(frozen=True)
class Change:
    """One input that differs."""

    name: str
    replaces: bool
    kinds: Mapping[str, str]
    """The differences inside an object, or of the value itself, by path: `ADD`, `UPDATE` or `DELETE`."""


@dataclass(frozen=True)
class Diff:
    """The differences between a resource and its new inputs."""

    changes: tuple[Change, ...]
    delete_first: bool

    @property
    def names(self) -> frozenset[str]:
        """The inputs that differ."""
        return frozenset(change.name for change in self.changes)

    @property
    def replaces(self) -> list[str]:
        """Those that need a new resource."""
        return [change.name for change in self.changes if change.replaces]


@dataclass(frozen=True)
class Found:
    """A resource as the service knows it: outputs, and inputs in the form in which they were given."""

    state: Props
    inputs: Props


# --- Check ---------------------------------------------------------------------------------------------------------


def check(
    resource: Resource, name: str, news: Props, olds: Props, seed: bytes, default_tags: Mapping[str, str]
) -> tuple[Props, list[Problem]]:
    """Check inputs and complete them: a name of its own, and the provider's default tags.

    Returns:
        The inputs to go on with, and what is wrong with them.
    """
    inputs = {key: value for key, value in news.items() if value is not None and not key.startswith("__")}
    if resource.auto_name and resource.auto_name not in inputs:
        inputs[resource.auto_name] = _auto_name(resource, name, inputs, olds, seed)
        inputs[DEFAULTS] = [resource.auto_name]
    if resource.tags and inputs.get("tags") != UNKNOWN and (default_tags or "tags" in inputs):
        inputs["tags"] = {**default_tags, **inputs.get("tags", {})}
    problems = schema.check(resource.kind, inputs)
    if not problems:
        inputs = {key: _document(resource, key, value) for key, value in inputs.items()}
        problems = [p for key, value in inputs.items() for p in _judge(resource, key, value)]
    if problems:
        return inputs, problems
    try:
        inputs |= {key: resource.all_args[key].normal(value) for key, value in inputs.items() if key != DEFAULTS}
    except ProviderError as error:
        return inputs, [Problem("", str(error))]
    return inputs, resource.rules(inputs)


def _auto_name(resource: Resource, name: str, inputs: Props, olds: Props, seed: bytes) -> str:
    if resource.auto_name in olds.get(DEFAULTS, ()):
        return str(olds[resource.auto_name])
    suffix = hashlib.sha256(seed).hexdigest()[:_SUFFIX] if seed else secrets.token_hex(4)[:_SUFFIX]
    return resource.auto_form(f"{name}-{suffix}", inputs)


def _document(resource: Resource, name: str, value: Any) -> Any:
    """A policy that is given as an object, which some resources take, as text."""
    arg = resource.all_args.get(name)
    if not isinstance(value, dict) or arg is None or arg.same is not as_policy:
        return cast("Any", value)
    return UNKNOWN if is_unknown(value) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _judge(resource: Resource, name: str, value: Any) -> list[Problem]:
    arg = resource.all_args.get(name)
    if arg is None and name != DEFAULTS:
        served = ", ".join(sorted(resource.all_args))
        reason = f"the local cloud's provider does not serve this input of {resource.kind}; it serves {served}"
        return [Problem(name, reason)]
    if arg is None or is_unknown(value):
        return []
    checked = {name: arg.allowed, **{f"{name}.{path}": allowed for path, allowed in arg.members.items()}}
    problems = [
        Problem(path, f"{found!r} is not allowed; {_description(allowed)}")
        for path, allowed in checked.items()
        for found in _at(value, path.split(".")[1:])
        if allowed and found not in allowed
    ]
    if problems:
        return problems
    if arg.most and len(value) > arg.most:
        return [Problem(name, f"has {len(value)} members; it may have {arg.most}")]
    if arg.same in (as_json, as_policy) and not _is_json(value):
        return [Problem(name, "is not JSON; give a string, such as json.dumps(...) makes")]
    return []


def _at(value: Any, path: list[str]) -> list[Any]:
    """The values at a path, for each member of the lists in it."""
    if isinstance(value, list):
        return [found for member in cast("list[Any]", value) for found in _at(member, path)]
    if not path:
        return [value]
    return _at(value[path[0]], path[1:]) if isinstance(value, dict) and value.get(path[0]) is not None else []


def _description(allowed: Allowed) -> str:
    if isinstance(allowed, Form):
        return f"it {allowed.said}"
    if isinstance(allowed, range):
        return f"it is from {allowed[0]} to {allowed[-1]}"
    return f"one of {', '.join(allowed)}"


def _is_json(value: Any) -> bool:
    try:
        json.loads(value)
    except (TypeError, ValueError):
        return False
    return True


# --- Diff ----------------------------------------------------------------------------------------------------------


def diff(resource: Resource, olds: Props, state: Props, news: Props, ignored: Iterable[str] = ()) -> Diff:
    """Compare a resource's state with new inputs.

    Args:
        resource: Its type.
        olds: The inputs it was made with, so that one that was taken away is noticed.
        state: Its outputs.
        news: Its new inputs; unknowns count as changed.
        ignored: Property paths whose changes do not count.
    """
    for path in ignored:
        news, olds = reset(path, state, news), reset(path, state, olds)
    changes = tuple(
        Change(
            name,
            _replaces(arg, state.get(name), news.get(name)),
            dict(_kinds(name, name, olds, state, news)),
        )
        for name, arg in resource.all_args.items()
        if _differs(arg, olds.get(name), state.get(name), news.get(name))
    )
    changed = {change.name for change in changes}
    replaced = any(change.replaces for change in changes)
    auto_named = resource.auto_name in news.get(DEFAULTS, ())
    return Diff(changes, delete_first=replaced and not auto_named and not changed.intersection(_identity(resource)))


def _identity(resource: Resource) -> set[str]:
    return {*resource.identity, resource.auto_name, "region"}


def _differs(arg: Arg, old: Any, actual: Any, new: Any) -> bool:
    wanted = arg.fill(new) if new is not None else arg.default
    if is_unknown(wanted):
        return True
    if wanted is None:
        return not arg.keeps and bool(old)
    if not arg.same(wanted, actual):
        return True
    return not arg.keeps and _member_removed(arg.fill(old) if old is not None else None, wanted)


def _member_removed(old: Any, wanted: Any) -> bool:
    """Whether an object had a member that the new inputs lack."""
    if not isinstance(old, dict) or not isinstance(wanted, dict):
        return False
    before, after = cast("Props", old), cast("Props", wanted)
    return any(
        (bool(value) and name not in after) or _member_removed(value, after.get(name)) for name, value in before.items()
    )


def _kinds(path: str, name: str, olds: Props, state: Props, news: Props) -> list[tuple[str, str]]:
    """How an input differs: its members that do, or itself."""
    old, actual, new = olds.get(name), state.get(name), news.get(name)
    inside: list[tuple[str, str]] = []
    if isinstance(new, dict) and isinstance(actual, dict):
        given, wanted, found = obj(old), cast("Props", new), cast("Props", actual)
        names = [member for member, value in wanted.items() if value != found.get(member)]
        for member in (*names, *(member for member in given if member not in wanted)):
            inside += _kinds(join(path, member), member, given, found, wanted)
    return inside or [(path, _kind(name, olds, news))]


def _replaces(arg: Arg, actual: Any, new: Any) -> bool:
    return arg.replaces if isinstance(arg.replaces, bool) else arg.replaces(actual, new)


def _kind(name: str, olds: Props, news: Props) -> str:
    return "UPDATE" if name in olds and name in news else "ADD" if name in news else "DELETE"


# --- Preview -------------------------------------------------------------------------------------------------------


def preview_create(resource: Resource, inputs: Props, cloud: Cloud) -> Props:
    """The outputs of a resource that does not exist yet: inputs, defaults, and unknowns for what is computed."""
    state = _resolved(resource, inputs, cloud)
    for name, arg in resource.all_args.items():
        if arg.keeps and name not in state:
            state[name] = UNKNOWN
    _set_unknown(state, resource.computed)
    if resource.tags:
        state["tagsAll"] = state["tags"]
    return state


def preview_update(resource: Resource, state: Props, news: Props, cloud: Cloud) -> Props:
    """The outputs of a resource after an update that has not happened yet."""
    wanted = _resolved(resource, news, cloud)
    after = {**state, **{name: _overlay(value, state.get(name)) for name, value in wanted.items()}}
    _set_unknown(after, resource.volatile)
    if resource.tags:
        after["tagsAll"] = after["tags"]
    return after


def _set_unknown(state: Props, names: Iterable[str]) -> None:
    for path in names:
        head, _, member = path.partition(".")
        if not member:
            state[head] = UNKNOWN
        elif state.get(head) != UNKNOWN:
            state[head] = {**state.get(head, {}), member: UNKNOWN}


# --- Create, read, update, delete ----------------------------------------------------------------------------------


def create(resource: Resource, name: str, inputs: Props, cloud: Cloud) -> tuple[str, Props]:
    """Make a resource.

    Returns:
        Its id and outputs.

    Raises:
        ProviderError: An input is unknown, or the service refused. Nothing half-made is left behind, unless it says so.
    """
    doing = f"creating {resource.kind} {name!r}"
    _refuse_unknown(doing, inputs)
    wanted = _resolved(resource, inputs, cloud)
    cloud = cloud.in_region(wanted.get("region"))
    with translate_errors(doing):
        made = resource.create(cloud, wanted)
        identifier, once = (made.id, made.outputs) if isinstance(made, Made) else (made, {})
        try:
            later = frozenset(n for n in resource.finish if wanted.get(n) != resource.args[n].default)
            if later and resource.update:
                resource.update(cloud, identifier, wanted, later)
            found = read(resource, name, identifier, inputs, {**inputs, **once}, cloud)
        except Exception as error:
            try:
                resource.delete(cloud, identifier, wanted)
            except (ClientError, BotoCoreError) as another:
                first, then = (str(each).rstrip(".") for each in (error, another))
                left = f"{identifier} is left half-made, as it could not be deleted: {then}. Delete or import it."
                raise ProviderError(f"{doing} failed: {first}. {left}") from error
            raise
    if found is None:
        raise ProviderError(
            f"{doing} failed: the service does not know {identifier} right after creating it. Try again."
        )
    return identifier, found.state


def read(resource: Resource, name: str, identifier: str, inputs: Props, state: Props, cloud: Cloud) -> Found | None:
    """Look a resource up.

    Args:
        resource: Its type.
        name: Its name in the program.
        identifier: Its id.
        inputs: What it was made with; nothing when it is being imported.
        state: Its last outputs; nothing when it is being imported.
        cloud: Where to look.

    Returns:
        What was found; None when it is gone.
    """
    cloud = cloud.in_region(state.get("region") or inputs.get("region"))
    with translate_errors(f"reading {resource.kind} {name!r}"):
        try:
            actual = resource.read(cloud, identifier, {**inputs, **state})
            if actual is None:
                return None
            if resource.tags:
                actual["tags"] = actual["tagsAll"] = resource.tags.read(cloud, {"id": identifier, **actual})
        except ClientError as error:
            if is_gone(error):
                return None
            raise
    if "region" in resource.all_args:
        actual["region"] = cloud.region
    imported = not inputs and not state
    return Found(_outputs(resource, inputs, actual), _inputs(resource, inputs, actual, imported=imported))


def update(
    resource: Resource,
    name: str,
    identifier: str,
    olds: Props,
    state: Props,
    news: Props,
    ignored: Iterable[str],
    cloud: Cloud,
) -> Props:
    """Change a resource in place: what differs, and nothing else.

    Returns:
        Its outputs.

    Raises:
        ProviderError: An input is unknown, or the service refused, or the resource is gone.
    """
    doing = f"updating {resource.kind} {name!r}"
    _refuse_unknown(doing, news)
    wanted = _resolved(resource, news, cloud)
    cloud = cloud.in_region(wanted.get("region"))
    changed = diff(resource, olds, state, news, ignored).names
    after = {**{key: value for key, value in state.items() if key not in changed}, **wanted}
    with translate_errors(doing):
        if resource.tags and "tags" in changed:
            _retag(resource, identifier, state, wanted["tags"], cloud)
        own = changed & frozenset(resource.args)
        if own and resource.update:
            resource.update(cloud, identifier, after, own)
        found = read(resource, name, identifier, news, after, cloud)
    if found is None:
        raise ProviderError(f"{doing} failed: {identifier} is gone. Run a refresh, then deploy again.")
    return found.state


def delete(resource: Resource, name: str, identifier: str, state: Props, cloud: Cloud) -> None:
    """Delete a resource; it is not an error if it is gone already."""
    with translate_errors(f"deleting {resource.kind} {name!r}"):
        try:
            resource.delete(cloud.in_region(state.get("region")), identifier, state)
        except ClientError as error:
            if not is_gone(error):
                raise


def _refuse_unknown(doing: str, inputs: Props) -> None:
    unknown = [name for name, value in inputs.items() if is_unknown(value)]
    if unknown:
        raise ProviderError(
            f"{doing} failed: {', '.join(unknown)} is not known yet. Only a preview may hold unknown values; "
            "an output of another resource was not passed on."
        )


def _resolved(resource: Resource, inputs: Props, cloud: Cloud) -> Props:
    """The inputs with every default filled in."""
    wanted: Props = {}
    for name, arg in resource.all_args.items():
        given = inputs.get(name)
        value = arg.default if given is None else given if given == UNKNOWN else arg.fill(given)
        if value is not None:
            wanted[name] = value
    if "region" in resource.all_args:
        wanted.setdefault("region", cloud.region)
    return wanted


def _retag(resource: Resource, identifier: str, state: Props, wanted: dict[str, str], cloud: Cloud) -> None:
    tagging = resource.tags
    if tagging is None:
        return
    known = {"id": identifier, **state}
    actual = tagging.read(cloud, known)
    added = {key: value for key, value in wanted.items() if actual.get(key) != value}
    removed = [key for key in actual if key not in wanted]
    if added:
        tagging.add(cloud, known, added)
    if removed:
        tagging.remove(cloud, known, removed)


def _outputs(resource: Resource, inputs: Props, actual: Props) -> Props:
    """The service's values, in the form of the inputs where both mean the same."""
    outputs = {
        name: arg.default for name, arg in resource.all_args.items() if arg.write_only and arg.default is not None
    }
    outputs |= {name: value for name, value in inputs.items() if name != DEFAULTS}
    for name, value in actual.items():
        arg, given = resource.all_args.get(name), inputs.get(name)
        same = arg is not None and given is not None and arg.same(given, value)
        outputs[name] = _overlay(given, value) if same else value
    return outputs


def _inputs(resource: Resource, inputs: Props, actual: Props, *, imported: bool) -> Props:
    """The inputs that would make what is there: as given where nothing drifted."""
    found = {DEFAULTS: inputs[DEFAULTS]} if DEFAULTS in inputs else {}
    for name, arg in resource.all_args.items():
        given, value = inputs.get(name), actual.get(name)
        if given is None:
            default = arg.fill(arg.default) if arg.default is not None else None
            drifted = bool(value) if default is None else not arg.same(default, value)
            if value is not None and ((imported and bool(value)) or (drifted and not arg.keeps)):
                found[name] = value
        elif arg.write_only or name not in actual or arg.same(arg.fill(given), value):
            found[name] = given
        elif value is not None:
            found[name] = _restricted(given, value)
    return found


def _restricted(given: Any, value: Any) -> Any:
    """The members of an object that were given, with their actual values."""
    if not isinstance(given, dict) or not isinstance(value, dict):
        return value
    before, after = cast("Props", given), cast("Props", value)
    return {name: _restricted(member, after[name]) for name, member in before.items() if name in after}


def _overlay(given: Any, value: Any) -> Any:
    """An object's actual members with the given ones on top."""
    if not isinstance(given, dict) or not isinstance(value, dict):
        return cast("Any", given)
    before, after = cast("Props", given), cast("Props", value)
    return {**after, **{name: _overlay(member, after.get(name)) for name, member in before.items()}}
