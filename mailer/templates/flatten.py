"""Puts included files in place, decides conditions that are known, and joins constant text, at compile time.

Jinja2 would do so for every mail. Not for values; see `mailer.templates.specialise`.
"""

from typing import TYPE_CHECKING, cast

from jinja2 import TemplateNotFound, nodes
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jinja2 import Environment

    Parse = Callable[[str, str | None, str | None], nodes.Template]

_MAX_DEPTH = 5
# What gives a template parts of its own; such a file is included when it is rendered.
_OF_ITS_OWN = (nodes.Block, nodes.Extends, nodes.Import, nodes.FromImport, nodes.Macro)


def with_includes(tree: nodes.Template, environment: "Environment", parse: "Parse") -> nodes.Template:
    """The tree with the files that it includes in place.

    A file that is named by an expression, is not there, or has blocks or macros is left to Jinja2.

    Args:
        tree: A parsed template; it is changed.
        environment: Finds the included files.
        parse: Parses one of them.
    """
    return _Includes(environment, parse).visit(tree)


def joined(tree: nodes.Template) -> nodes.Template:
    """The tree with conditions on constants decided, and neighbouring outputs as one.

    Jinja2 escapes and joins the constants of one output when it compiles it.

    Args:
        tree: A parsed template; it is changed.
    """
    for node in (tree, *tree.find_all(nodes.Node)):
        for name in ("body", "else_"):
            body: object = getattr(node, name, None)
            if isinstance(body, list):
                setattr(node, name, _joined(_decided(cast("list[nodes.Node]", body))))
    return tree


class _Includes(NodeTransformer):
    def __init__(self, environment: "Environment", parse: "Parse", depth: int = 0) -> None:
        self._environment, self._parse, self._depth = environment, parse, depth

    def visit_Include(self, node: nodes.Include) -> nodes.Node:  # noqa: N802 - Jinja2 looks visitors up by this name
        name = node.template.value if isinstance(node.template, nodes.Const) else None
        loader = self._environment.loader
        if not isinstance(name, str) or loader is None or not node.with_context or self._depth == _MAX_DEPTH:
            return node
        try:
            source, path, _ = loader.get_source(self._environment, name)
        except TemplateNotFound:
            return node
        included = self._parse(source, name, path)
        if next(included.find_all(_OF_ITS_OWN), None) is not None:
            return node
        _Includes(self._environment, self._parse, self._depth + 1).visit(included)
        # What the file sets stays inside of it, as with an include.
        return nodes.Scope(included.body, lineno=node.lineno)


def _decided(body: "Iterable[nodes.Node]") -> "Iterator[nodes.Node]":
    """The statements with the chosen branch instead of a condition on a constant."""
    for node in body:
        if isinstance(node, nodes.If) and isinstance(node.test, nodes.Const):
            yield from _decided(_branch(node))
        else:
            yield node


def _branch(node: nodes.If) -> list[nodes.Node]:
    if cast("nodes.Const", node.test).value:
        return node.body
    if node.elif_:
        first, *others = node.elif_
        return [nodes.If(first.test, first.body, others, node.else_, lineno=first.lineno)]
    return node.else_


def _joined(body: "Iterable[nodes.Node]") -> list[nodes.Node]:
    result: list[nodes.Node] = []
    for node in body:
        last = result[-1] if result else None
        if isinstance(node, nodes.Output) and isinstance(last, nodes.Output):
            last.nodes.extend(node.nodes)
        else:
            result.append(node)
    return result
