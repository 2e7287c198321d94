"""Evaluates expressions of a settings file without running it: constants, other settings, and reads of the environment.

What it does not know is `COMPUTED`. It calls nothing but the methods of text that are listed here.
"""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from mailer.migrate.email_url import settings_of_url
from mailer.migrate.setting import COMPUTED, as_flag, as_text

# Of expressions inside each other, and characters of a text that is put together.
_MAX_DEPTH, _MAX_TEXT = 60, 10_000
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}\Z")
# Functions that read an environment variable by its name: those of os, django-environ, decouple, dynaconf, and the
# helpers that projects write themselves.
_READERS = frozenset(
    {
        *("getenv", "env", "config", "get_env", "get_env_variable", "env_var", "get_env_var", "getenv_or_raise"),
        *("get_secret", "secret", "get_env_value", "env_or", "require_env", "Csv", "get_from_env"),
    }
)
_READING_METHODS = frozenset(
    {
        *("get", "get_value", "str", "bool", "int", "float", "list", "tuple", "json", "dict", "url", "email_url"),
        *("email", "read", "getenv", "path", "pop", "setdefault", "unicode", "log_level"),
    }
)
_URL_METHODS = frozenset({"email_url", "email"})
_CASTS = frozenset(
    {"str", "int", "bool", "float", "list", "tuple", "strtobool", "SecretStr", "EmailStr", "gettext", "_"}
)
_FLAG_CASTS = frozenset({"bool", "strtobool"})
_TEXT_METHODS: dict[str, Callable[[str], object]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "title": str.title,
    "split": lambda text: [part.strip() for part in text.split(",")],
}


@dataclass
class Scope:
    """What a file has said so far.

    Attributes:
        environ: Environment variables: those of the `.env` files.
        values: Values by name.
        variables: The environment variable that gives a value, by the name of the setting.
        defaults: Defaults of environment variables, from `environ.Env(NAME=(type, default))`.
    """

    environ: Mapping[str, object]
    values: dict[str, object] = field(default_factory=dict[str, object])
    variables: dict[str, str] = field(default_factory=dict[str, str])
    defaults: dict[str, object] = field(default_factory=dict[str, object])


def last_name(node: ast.expr) -> str:
    """The last name of `a.b.c`; empty for other expressions."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.expr) -> str:
    """`a.b.c` as text; empty where it is no such chain."""
    names: list[str] = []
    while isinstance(node, ast.Attribute) and len(names) < _MAX_DEPTH:
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


class Evaluation:
    """Evaluates one expression.

    Attributes:
        variable: The environment variable that it reads; the last one where it reads several.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope, self._depth, self.variable = scope, 0, ""

    def of(self, node: ast.expr | None) -> object:
        """The value, or `COMPUTED`."""
        handler = _HANDLERS.get(type(node))
        if handler is None or self._depth >= _MAX_DEPTH:
            return COMPUTED
        self._depth += 1
        try:
            return handler(self, node)
        finally:
            self._depth -= 1

    def constant(self, node: ast.Constant) -> object:
        """Text, a number, a flag or None."""
        return node.value if isinstance(node.value, str | int | float | bool | None) else COMPUTED

    def name(self, node: ast.Name) -> object:
        """Another setting of the file."""
        self.variable = self._scope.variables.get(node.id, self.variable)
        return self._scope.values.get(node.id, COMPUTED)

    def attribute(self, node: ast.Attribute) -> object:
        """`settings.EMAIL_HOST`, `Config.MAIL_SERVER`."""
        return self._scope.values.get(node.attr, COMPUTED) if isinstance(node.value, ast.Name) else COMPUTED

    def sequence(self, node: ast.List | ast.Tuple | ast.Set) -> object:
        """A list of what its elements are."""
        return [self.of(element) for element in node.elts]

    def mapping(self, node: ast.Dict) -> object:
        """A dict by text; `**other` is merged."""
        found: dict[str, object] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            read = self.of(value)
            if key is None and isinstance(read, dict):
                found |= cast("dict[str, object]", read)
            elif key is not None:
                found[as_text(self.of(key))] = read
        return found

    def joined(self, node: ast.JoinedStr) -> object:
        """An f-string, where all its parts are known."""
        parts = [self.of(part.value) if isinstance(part, ast.FormattedValue) else self.of(part) for part in node.values]
        if not all(isinstance(part, str | int | float) for part in parts):
            return COMPUTED
        text = "".join(map(str, parts))
        return text if len(text) <= _MAX_TEXT else COMPUTED

    def operation(self, node: ast.BinOp) -> object:
        """`a + b` of texts or of lists."""
        left, right = self.of(node.left), self.of(node.right)
        if not isinstance(node.op, ast.Add):
            return COMPUTED
        if isinstance(left, str) and isinstance(right, str) and len(left) + len(right) <= _MAX_TEXT:
            return left + right
        if isinstance(left, list) and isinstance(right, list):
            return [*cast("list[object]", left), *cast("list[object]", right)][:_MAX_TEXT]
        return COMPUTED

    def choice(self, node: ast.IfExp) -> object:
        """`a if test else b`; where the test is not known, the first that is."""
        test = self.of(node.test)
        if test is not COMPUTED:
            return self.of(node.body if test else node.orelse)
        first = self.of(node.body)
        return self.of(node.orelse) if first is COMPUTED else first

    def either(self, node: ast.BoolOp) -> object:
        """`a or b`, `a and b`."""
        found: object = COMPUTED
        for value in node.values:
            found = self.of(value)
            if found is COMPUTED or bool(found) is isinstance(node.op, ast.Or):
                break
        return found

    def unary(self, node: ast.UnaryOp) -> object:
        """`not a`."""
        value = self.of(node.operand)
        return not value if isinstance(node.op, ast.Not) and value is not COMPUTED else COMPUTED

    def compare(self, node: ast.Compare) -> object:
        """`a == b` and `a in (b, c)`: how settings turn text into flags."""
        left, right = self.of(node.left), self.of(node.comparators[0])
        if len(node.ops) > 1 or COMPUTED in (left, right):
            return COMPUTED
        if isinstance(left, list | dict):  # lists may hold each other, and comparing them never ends
            return COMPUTED
        if isinstance(node.ops[0], ast.Eq | ast.NotEq) and not isinstance(right, list | dict):
            return (left == right) is isinstance(node.ops[0], ast.Eq)
        if isinstance(node.ops[0], ast.In) and isinstance(right, list):
            return any(left == one for one in cast("list[object]", right) if not isinstance(one, list | dict))
        return COMPUTED

    def subscript(self, node: ast.Subscript) -> object:
        """`os.environ["NAME"]`, `config["EMAIL_HOST"]`."""
        key = self.of(node.slice)
        if last_name(node.value) in {"environ", "env", "secrets"} and isinstance(key, str):
            return self._variable(key, None)
        held = self.of(node.value)
        return (
            cast("dict[str, object]", held).get(key, COMPUTED)
            if isinstance(held, dict) and isinstance(key, str)
            else COMPUTED
        )

    def call(self, node: ast.Call) -> object:
        """A read of the environment, a cast, a method of text, or `dict(a=b)`."""
        name, chain = last_name(node.func), dotted(node.func)
        if chain in {"dj_email_url.config", "dj_email_url.parse"}:
            return self._url(node, chain)
        if self._reads(node, name, chain):
            return self._read(node, name)
        if name == "dict" and not node.args:
            return {one.arg: self.of(one.value) for one in node.keywords if one.arg}
        if name in _CASTS and node.args:
            value = self.of(node.args[0])
            return bool(as_flag(value)) if name in _FLAG_CASTS and as_flag(value) is not None else value
        if isinstance(node.func, ast.Attribute) and name in _TEXT_METHODS:
            value = self.of(node.func.value)
            return _TEXT_METHODS[name](value) if isinstance(value, str) and len(value) <= _MAX_TEXT else COMPUTED
        return COMPUTED

    def _reads(self, node: ast.Call, name: str, chain: str) -> bool:
        """Whether the call reads an environment variable by its name."""
        first = node.args[0] if node.args else next((one.value for one in node.keywords if one.arg == "var"), None)
        if not (isinstance(first, ast.Constant) and isinstance(first.value, str) and _VARIABLE.match(first.value)):
            return name in _URL_METHODS and chain.partition(".")[0].lower() == "env" and not node.args
        holder = chain.rpartition(".")[0].rpartition(".")[2].lower()
        by_method = name in _READING_METHODS and any(word in holder for word in ("env", "config", "secret"))
        return name in _READERS or by_method

    def _read(self, node: ast.Call, name: str) -> object:
        given = {one.arg: one.value for one in node.keywords if one.arg}
        first = node.args[0] if node.args else given.get("var", ast.Constant("EMAIL_URL"))
        default: ast.expr | None = given.get("default", given.get("fallback"))
        if default is None and len(node.args) > 1 and last_name(node.args[1]) not in _CASTS:
            default = node.args[1]
        value = self._variable(as_text(self.of(first)), default)
        cast_by = name if name in _FLAG_CASTS else last_name(given["cast"]) if "cast" in given else ""
        if name in _URL_METHODS:
            return settings_of_url(as_text(value)) or COMPUTED
        return bool(as_flag(value)) if cast_by in _FLAG_CASTS and as_flag(value) is not None else value

    def _variable(self, name: str, default: ast.expr | None) -> object:
        if name in self._scope.environ:
            self.variable = name
            return self._scope.environ[name]
        value = self.of(default) if default is not None else self._scope.defaults.get(name, COMPUTED)
        self.variable = name  # after the default, which may read another one
        return value

    def _url(self, node: ast.Call, chain: str) -> object:
        given = {one.arg: one.value for one in node.keywords if one.arg}
        if chain.endswith("parse"):
            text = self.of(node.args[0]) if node.args else COMPUTED
        else:
            name = given.get("env") or (node.args[0] if node.args else ast.Constant("EMAIL_URL"))
            text = self._variable(as_text(self.of(name)), given.get("default"))
        return settings_of_url(as_text(text)) or COMPUTED


_HANDLERS: dict[type[ast.AST | None], Callable[[Evaluation, object], object]] = cast(
    "dict[type[ast.AST | None], Callable[[Evaluation, object], object]]",
    {
        ast.Constant: Evaluation.constant,
        ast.Name: Evaluation.name,
        ast.Attribute: Evaluation.attribute,
        ast.List: Evaluation.sequence,
        ast.Tuple: Evaluation.sequence,
        ast.Set: Evaluation.sequence,
        ast.Dict: Evaluation.mapping,
        ast.JoinedStr: Evaluation.joined,
        ast.BinOp: Evaluation.operation,
        ast.IfExp: Evaluation.choice,
        ast.BoolOp: Evaluation.either,
        ast.UnaryOp: Evaluation.unary,
        ast.Compare: Evaluation.compare,
        ast.Subscript: Evaluation.subscript,
        ast.Call: Evaluation.call,
    },
)
