"""The records of a resource table: one `Resource` for each type, one `Arg` for each input.

Data only: `lifecycle.py` acts, in the same way for every resource.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, cast

from mailstack_localcloud.pulumi import schema
from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.wire import Props

Same: TypeAlias = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class Form:
    """A pattern for text, and the message if it does not match."""

    pattern: re.Pattern[str]
    said: str

    def __contains__(self, value: object) -> bool:
        """Values other than text, such as numbers, are not checked."""
        return not isinstance(value, str) or bool(self.pattern.fullmatch(value))


Allowed: TypeAlias = tuple[str, ...] | range | Form
"""The values that a member takes: one of these, a number from here to there, or a text of this form."""
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
ARN = Form(re.compile(r"(arn:[\w-]+:[\w-]+:[\w-]*:[\w-]*:.+)?", re.DOTALL), "must be an ARN")


def form(pattern: str, said: str) -> Form:
    """A text that matches a pattern as a whole."""
    return Form(re.compile(pattern, re.DOTALL), said)


def up_to(most: int, least: int = 0) -> Form:
    """A text of some length, in characters."""
    return form(f".{{{least},{most}}}", f"must have {least} to {most} characters")


def at_least(least: int) -> range:
    """A number that is not smaller."""
    return range(least, 2**31)


def exact(wanted: Any, actual: Any) -> bool:
    """The same value; nothing and an empty text, list or object are the same."""
    return wanted == actual or (_is_blank(wanted) and _is_blank(actual))


def contains(wanted: Any, actual: Any) -> bool:
    """Every member that is wanted is there: an object may have further members, which the service computed."""
    if isinstance(wanted, Mapping):
        members = cast("Mapping[str, Any]", wanted)
        found = cast("Mapping[str, Any]", actual or {})
        return all(contains(value, found.get(name)) for name, value in members.items())
    if isinstance(wanted, list) and isinstance(actual, list):
        ours, theirs = cast("list[Any]", wanted), cast("list[Any]", actual)
        return len(ours) == len(theirs) and all(map(contains, ours, theirs))
    return exact(wanted, actual)


def as_set(wanted: Any, actual: Any) -> bool:
    """The same members in any order, however deep."""
    return contains(_sorted(wanted), _sorted(actual))


def as_json(wanted: Any, actual: Any) -> bool:
    """The same JSON: white space and the order of keys do not count."""
    return _document(wanted) == _document(actual)


def as_policy(wanted: Any, actual: Any) -> bool:
    """The same policy: as JSON, where one string and a list of that string are the same, and order does not count."""
    return _canonical(_document(wanted)) == _canonical(_document(actual))


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(member) for name, member in cast("Props", value).items()}
    if isinstance(value, list):
        return sorted(map(_sorted, cast("list[Any]", value)), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def _document(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) and value else value or None
    except ValueError:
        return value


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _canonical(member) for name, member in cast("Props", value).items()}
    if isinstance(value, list):
        members = [_canonical(member) for member in cast("list[Any]", value)]
        return members[0] if len(members) == 1 else sorted(members, key=lambda item: json.dumps(item, sort_keys=True))
    return value


@dataclass(frozen=True)
class Arg:
    """One input of a resource, as the official provider treats it."""

    api: str = ""
    """Its name in the service's API, where the table's functions go by it."""
    default: Any = None
    """The value if the input is left out or removed."""
    replaces: bool | Callable[[Any, Any], bool] = False
    """Whether a change, or a change of this to that, makes a new resource (Terraform's ForceNew)."""
    keeps: bool = False
    """If the input is left out, the service's value is kept (Terraform: Optional and Computed)."""
    same: Same = contains
    """When a wanted and an actual value are the same."""
    normal: Callable[[Any], Any] = lambda value: value
    """Completes a given value for good, when it is checked."""
    fill: Callable[[Any], Any] = lambda value: value
    """Completes a given value with the defaults of its members."""
    allowed: Allowed = ()
    """The only values that the official provider or the service takes, of each member of a list; none: any."""
    members: Mapping[str, Allowed] = field(default_factory=dict[str, Allowed])
    """The same of what is inside, by path; a path leads through lists."""
    most: int = 0
    """How many members a list may have; none: any number."""
    write_only: bool = False
    """The service never tells it back."""


@dataclass(frozen=True)
class Tagging:
    """How a service reads and writes the tags of a resource; each is given the resource's state."""

    read: Callable[[Cloud, Props], dict[str, str]]
    add: Callable[[Cloud, Props, dict[str, str]], object]
    remove: Callable[[Cloud, Props, list[str]], object]


@dataclass(frozen=True)
class Made:
    """A resource just made: its id, and the outputs that the service tells this once."""

    id: str
    outputs: Props


@dataclass(frozen=True)
class Resource:
    """One resource type. Its functions take inputs with defaults filled in; botocore's errors pass through them."""

    kind: str
    """Pulumi's name of it, such as `aws:sns/topic:Topic`."""
    args: Mapping[str, Arg]
    create: Callable[[Cloud, Props], str | Made]
    """Makes it, and answers with its id."""
    read: Callable[[Cloud, str, Props], Props | None]
    """Its state by id and what is known of it; None, or a "not found" of the service, when it is gone."""
    delete: Callable[[Cloud, str, Props], object]
    update: Callable[[Cloud, str, Props, frozenset[str]], object] | None = None
    """Changes in place: id, all inputs, and the names of those that changed."""
    computed: tuple[str, ...] = ()
    """Outputs that are not inputs; `a.b` is member `b` of the object `a`. Unknown until created."""
    volatile: tuple[str, ...] = ()
    """Outputs that any update may change."""
    finish: tuple[str, ...] = ()
    """Inputs that the service takes only after creation: `update` is called for those that are given."""
    auto_name: str = ""
    """The input that gets a name of its own when left out."""
    auto_form: Callable[[str, Props], str] = lambda name, _: name
    """The required prefix or suffix of such a name."""
    identity: tuple[str, ...] = ()
    """Inputs that name the thing: while they stay, a replacement must delete the old one first."""
    tags: Tagging | None = None
    rules: Callable[[Props], list[schema.Problem]] = lambda _: []
    """Checks over several inputs."""

    @cached_property
    def all_args(self) -> Mapping[str, Arg]:
        """`args`, and those that every resource has unless `args` says it otherwise: region and tags."""
        offered = schema.inputs_of(self.kind)
        shared = {"region": Arg(keeps=True, replaces=True)} if "region" in offered else {}
        if self.tags:
            shared["tags"] = Arg(default={}, same=exact)
        return {**self.args, **{name: arg for name, arg in shared.items() if name not in self.args}}
