"""Replaces attributes of a variable by their values when a template is compiled.

A brand is the same for every mail, and Jinja2 escapes and joins constants once, at compile time. Not for values that
change from mail to mail.
"""

from types import NoneType, SimpleNamespace
from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from collections.abc import Mapping


_PLAIN = (str, int, float, NoneType)


def specialised(
    tree: nodes.Template, variable: str, values: "Mapping[str, object]", *, shown: str | None = None
) -> nodes.Template:
    """The tree with `variable.name` replaced by the value of that name.

    A template that assigns the variable anywhere is returned as it is.

    Args:
        tree: A parsed template; it may be changed.
        variable: The name of the variable.
        values: Its attributes. Text, numbers, booleans and None are compiled in, also those of a `SimpleNamespace`.
        shown: What `{{ variable }}` is; None to leave it.
    """
    if any(name.name == variable and name.ctx != "load" for name in tree.find_all(nodes.Name)):
        return tree
    return _Constants(variable, values, shown).visit(tree)


class _Constants(NodeTransformer):
    def __init__(self, variable: str, values: "Mapping[str, object]", shown: str | None) -> None:
        self._variable, self._values, self._shown = variable, values, shown

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802 - Jinja2 looks visitors up by this name
        self.generic_visit(node)
        node.nodes = [self._printed(one) for one in node.nodes]
        return node

    def _printed(self, node: nodes.Expr) -> nodes.Expr:
        itself = isinstance(node, nodes.Name) and node.name == self._variable
        return nodes.Const(self._shown, lineno=node.lineno) if itself and self._shown is not None else node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - Jinja2 looks visitors up by this name
        value = self._value(node)
        return nodes.Const(value, lineno=node.lineno) if isinstance(value, _PLAIN) else self.generic_visit(node)

    def visit_For(self, node: nodes.For) -> "nodes.Node | list[nodes.Node]":  # noqa: N802 - see above
        """A loop over nothing is replaced by its `else`, which has a scope of its own."""
        skips_empty = isinstance(node.test, nodes.Name) and node.test == nodes.Name(
            getattr(node.target, "name", ""), "load"
        )
        is_empty = self._is_empty(node.iter, skips_empty=skips_empty)
        self.generic_visit(node)
        if not is_empty:
            return node
        return [nodes.Scope(node.else_, lineno=node.lineno)] if node.else_ else []

    def _is_empty(self, node: nodes.Node, *, skips_empty: bool) -> bool:
        """Whether a loop goes over nothing. `skips_empty`: it leaves out items that are empty themselves."""
        if isinstance(node, nodes.Add):
            parts = (node.left, node.right)
        elif isinstance(node, nodes.Tuple) and skips_empty:
            parts = tuple(node.items)
        else:
            return self._value(node) == ()
        return all(self._is_empty(part, skips_empty=False) for part in parts)

    def _value(self, node: nodes.Node) -> object:
        """What an attribute of the variable is, or an attribute of that; itself where it is another's."""
        if not isinstance(node, nodes.Getattr):
            return node
        owner = node.node
        if isinstance(owner, nodes.Name) and owner.name == self._variable:
            return self._values.get(node.attr, node)
        inner = self._value(owner)
        return vars(inner).get(node.attr, node) if isinstance(inner, SimpleNamespace) else node
