"""Paths to properties, as `ignoreChanges` and `replaceOnChanges` write them: `a.b`, `list[0]`, `map["x y"]`, `a.*`.

After sdk/go/common/resource/properties_path.go in pulumi/pulumi, whose rules for odd cases are kept.
"""

import re
from typing import Any, TypeAlias, cast

from mailstack_localcloud.pulumi.wire import Props, obj

Path: TypeAlias = tuple[str | int, ...]
EACH = "*"
"""As an element of a path: every member of an object or a list."""
_ELEMENT = re.compile(r'\[(?:"((?:\\"|[^"])*)"|(\d+)|(\*))\]|\.?([^.\[]+)')


def parse(text: str) -> Path:
    r"""The elements of a path.

    Raises:
        ValueError: The text is not a property path.

    Example:
        >>> parse('eventDestination.kinds[0]["a.b"].*')
        ('eventDestination', 'kinds', 0, 'a.b', '*')
    """
    elements: list[str | int] = []
    at = 0
    while at < len(text) or not elements:
        found = _ELEMENT.match(text, at)
        if found is None or text.startswith("."):
            raise ValueError(f'{text!r} is not a property path, such as a.b, list[0], map["x"] or a.*')
        quoted, index, each, name = found.groups(default="")
        elements.append(int(index) if index else each or name or quoted.replace('\\"', '"'))
        at = found.end()
    return tuple(elements)


def join(path: str, name: str) -> str:
    """The path of a member.

    Example:
        >>> join("dimensions", "Stack"), join("dimensions", "ses:configuration-set")
        ('dimensions.Stack', 'dimensions["ses:configuration-set"]')
    """
    if re.fullmatch(r"[A-Za-z_$][\w$]*", name):
        return f"{path}.{name}"
    quoted = name.replace('"', '\\"')
    return f'{path}["{quoted}"]'


def contains(path: Path, other: Path) -> bool:
    """Whether a path leads to another, or to something around it.

    Example:
        >>> contains(parse("tags"), parse("tags.owner")), contains(parse("tags.owner"), parse("tags"))
        (True, False)
    """
    return len(path) <= len(other) and all(ours in (EACH, theirs) for ours, theirs in zip(path, other, strict=False))


def reset(text: str, source: Props, target: Props) -> Props:
    """`target` with what `source` has at a path. Lists keep their length; an invalid path changes nothing.

    Example:
        >>> reset("a.b", {"a": {"b": 1}}, {"a": {"b": 2, "c": 3}})
        {'a': {'b': 1, 'c': 3}}
        >>> reset("tags.*", {"tags": {"x": "1"}}, {"tags": {"x": "2", "y": "3"}})
        {'tags': {'x': '1'}}
    """
    try:
        path = parse(text)
    except ValueError:
        return target
    return cast("Props", _reset(path, source, target))


def _reset(path: Path, source: Any, target: Any) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(source, list) and isinstance(target, list):
        return _reset_list(head, rest, cast("list[Any]", source), cast("list[Any]", target))
    if not isinstance(target, dict) or isinstance(head, int) or (path != (head,) and not isinstance(source, dict)):
        return cast("Any", target)
    before, after = obj(source), dict(cast("Props", target))
    for name in _named(head, rest, before, after, known=isinstance(source, dict)):
        _reset_member(name, rest, before, after)
    return after


def _named(head: str, rest: Path, before: Props, after: Props, *, known: bool) -> list[str]:
    if head != EACH:
        return [head]
    return list(before if rest else {**before, **after} if known else ())


def _reset_member(name: str, rest: Path, before: Props, after: Props) -> None:
    if rest and name in after:
        after[name] = _reset(rest, before.get(name), after[name])
    elif not rest and name in before:
        after[name] = before[name]
    elif not rest:
        after.pop(name, None)


def _reset_list(head: str | int, rest: Path, source: list[Any], target: list[Any]) -> list[Any]:
    def of(index: int, member: Any) -> Any:
        if head not in (EACH, index) or index >= len(source):
            return member
        return _reset(rest, source[index], member) if rest else source[index]

    return [of(index, member) for index, member in enumerate(target)]
