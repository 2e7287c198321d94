"""Reads settings files of Python by their syntax tree, never runs them: Django, Flask, FastAPI-Mail, pydantic-settings.

`DEBUG` is taken as false: what counts is how production sends. Both branches of other conditions are read.
"""

import ast
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from mailer.migrate.block import without_block
from mailer.migrate.expressions import Evaluation, Scope, dotted, last_name
from mailer.migrate.setting import COMPUTED, Setting, as_text

# Files that one file may include, and characters of one of them.
_MAX_FILES, _MAX_TEXT = 50, 2_000_000
_MAX_DEPTH = 40
# Folders above a file in which the root of its package is looked for.
_MAX_PARENTS = 6
_NAMESPACES = frozenset({"vars", "globals", "locals"})
_CONFIG_UPDATES = frozenset({"update", "from_mapping"})
_NOT_PRODUCTION = ("test", "dev", "local")
_FASTAPI_MAIL, _SMTPLIB = "ConnectionConfig", frozenset({"SMTP", "SMTP_SSL"})
# The name of the rows that show where a program opens SMTP connections by itself.
SMTPLIB = "smtplib"


@dataclass
class PythonFiles:
    """The settings of a file and of those that it includes.

    Attributes:
        settings: By name; the last one holds.
        files: The files that were read, in order.
        problems: What could not be read, in a sentence each.
        has_classes: Whether the settings are classes of django-configurations, which an assignment does not change.
    """

    settings: dict[str, Setting] = field(default_factory=dict[str, Setting])
    files: list[Path] = field(default_factory=list[Path])
    problems: list[str] = field(default_factory=list[str])
    has_classes: bool = False


def read_python(path: Path, environ: Mapping[str, object], *, with_block: bool = False) -> PythonFiles:
    """Read a settings file.

    Args:
        path: The file.
        environ: Environment variables, for `env("NAME")` and its relatives.
        with_block: Whether the lines count that `mailer migrate` has written.
    """
    found = PythonFiles()
    scope = Scope(environ, {"DEBUG": False})
    _Reader(found, scope, with_block=with_block).read(path)
    return found


class _Reader:
    def __init__(self, found: PythonFiles, scope: Scope, *, with_block: bool) -> None:
        self._with_block = with_block
        self._found, self._scope, self._path, self._depth = found, scope, Path(), 0
        self._prefix = ""

    def read(self, path: Path) -> None:
        """Read one file; its includes are read where they stand."""
        path = path.resolve()
        if path in self._found.files or len(self._found.files) >= _MAX_FILES:
            return
        self._found.files.append(path)
        tree = self._parsed(path)
        if tree is None:
            return
        before, self._path = self._path, path
        self._statements(tree.body)
        for node in ast.walk(tree):
            self._anywhere(node)
        self._path = before

    def _parsed(self, path: Path) -> ast.Module | None:
        try:
            text = path.read_text(encoding="utf-8-sig", errors="replace")[:_MAX_TEXT]
            return parsed(text if self._with_block else without_block(text))
        except OSError as error:
            self._found.problems.append(f"{path.name} cannot be read: {error.strerror}.")
        except SyntaxError as error:
            self._found.problems.append(f"{path.name}:{error.lineno or 1} is not Python.")
        except (ValueError, RecursionError, MemoryError):
            self._found.problems.append(f"{path.name} is not Python.")
        return None

    def _statements(self, body: Iterable[ast.stmt]) -> None:
        if self._depth >= _MAX_DEPTH:
            return
        self._depth += 1
        for node in body:
            self._statement(node)
        self._depth -= 1

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value, node.lineno)
            case ast.AnnAssign(target=ast.Name() as target, value=value):
                self._assign(target, value, node.lineno)
            case ast.AugAssign(target=ast.Name() as target, op=ast.Add(), value=value):
                self._assign(target, ast.BinOp(ast.Name(target.id), ast.Add(), value), node.lineno)
            case ast.If():
                self._if(node)
            case ast.Expr(value=ast.Call() as call):
                self._call(call)
            case _:
                self._compound(node)

    def _compound(self, node: ast.stmt) -> None:
        match node:
            case ast.ClassDef():
                self._class(node)
            case ast.ImportFrom():
                self._import(node)
            case ast.Try():
                handlers = (each for handler in node.handlers for each in handler.body)
                self._statements([*handlers, *node.body, *node.orelse, *node.finalbody])
            case ast.With() | ast.For() | ast.While():
                self._statements(node.body)
            case ast.Match():
                self._statements(each for case in node.cases for each in case.body)
            case _:
                pass

    def _if(self, node: ast.If) -> None:
        test = Evaluation(self._scope).of(node.test)
        if test is COMPUTED or test:
            self._statements(node.body)
        if test is COMPUTED or not test:
            self._statements(node.orelse)

    def _assign(self, target: ast.expr, node: ast.expr | None, line: int) -> None:
        if isinstance(target, ast.Tuple) and isinstance(node, ast.Tuple):
            for one, value in zip(target.elts, node.elts, strict=False):
                self._assign(one, value, line)
        elif isinstance(target, ast.Name) and target.id != "DEBUG":
            self._remember_scheme(node)
            evaluation = Evaluation(self._scope)
            value = self._configurations(target.id, node, evaluation)
            self._set(target.id, value, line, evaluation.variable)
        elif isinstance(target, ast.Subscript):
            self._assign_item(target, node, line)

    def _assign_item(self, target: ast.Subscript, node: ast.expr | None, line: int) -> None:
        """`ANYMAIL["X"] = …`, `app.config["MAIL_SERVER"] = …`, `globals()["X"] = …`."""
        evaluation = Evaluation(self._scope)
        key, value = as_text(evaluation.of(target.slice)), evaluation.of(node)
        held = self._scope.values.get(last_name(target.value))
        if isinstance(held, dict):
            cast("dict[str, object]", held)[key] = value
        elif last_name(target.value) == "config" or _is_namespace(target.value):
            self._set(key, value, line, evaluation.variable)

    def _set(self, name: str, value: object, line: int, variable: str = "") -> None:
        self._scope.values[name] = value
        if variable:
            self._scope.variables[name] = variable
        else:
            self._scope.variables.pop(name, None)
        self._found.settings.pop(name, None)
        self._found.settings[name] = Setting(name, value, str(self._path), line, variable)

    def _remember_scheme(self, node: ast.expr | None) -> None:
        """`environ.Env(EMAIL_PORT=(int, 587))`: the defaults of variables."""
        if isinstance(node, ast.Call) and last_name(node.func) in {"Env", "FileAwareEnv"}:
            for one in node.keywords:
                if one.arg and isinstance(one.value, ast.Tuple) and len(one.value.elts) > 1:
                    self._scope.defaults[one.arg] = Evaluation(self._scope).of(one.value.elts[1])

    def _configurations(self, name: str, node: ast.expr | None, evaluation: Evaluation) -> object:
        """The value; `values.Value(default)` of django-configurations reads the variable `DJANGO_` and the name."""
        if not (isinstance(node, ast.Call) and last_name(node.func).endswith("Value") and dotted(node.func)):
            return evaluation.of(node)
        given = {one.arg: one.value for one in node.keywords if one.arg}
        prefix = as_text(evaluation.of(given["environ_prefix"])) if "environ_prefix" in given else "DJANGO"
        called = as_text(evaluation.of(given["environ_name"])) if "environ_name" in given else name
        variable = f"{prefix}_{called}" if prefix else called
        default = evaluation.of(given.get("default", node.args[0] if node.args else None))
        evaluation.variable = variable
        return self._scope.environ.get(variable, default)

    def _class(self, node: ast.ClassDef) -> None:
        """The attributes of `class Config`, and the fields of pydantic-settings."""
        if any(word in node.name.lower() for word in _NOT_PRODUCTION) and self._found.settings:
            return
        before, self._prefix = self._prefix, _prefix_of(node)
        self._found.has_classes |= any(last_name(base) == "Configuration" for base in node.bases)
        is_pydantic = any(last_name(base).endswith("Settings") for base in node.bases)
        for each in node.body:
            if is_pydantic and isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                self._field(each.target.id, each)
            elif not isinstance(each, ast.ClassDef):
                self._statement(each)
        self._prefix = before

    def _field(self, name: str, node: ast.AnnAssign) -> None:
        """A field of pydantic-settings, which its environment variable sets, in any letter case."""
        evaluation = Evaluation(self._scope)
        variable, default = f"{self._prefix}{name}", node.value
        if isinstance(node.value, ast.Call) and last_name(node.value.func) == "Field":
            given = {one.arg: one.value for one in node.value.keywords if one.arg}
            alias = next((given[key] for key in ("validation_alias", "alias", "env") if key in given), None)
            variable = as_text(evaluation.of(alias)) or variable
            default = given.get("default", node.value.args[0] if node.value.args else None)
        known = {key.upper(): value for key, value in self._scope.environ.items()}
        value = known.get(variable.upper(), evaluation.of(default))
        self._set(name.upper(), value, node.lineno, variable.upper())

    def _call(self, node: ast.Call) -> None:
        """`vars().update(…)`, `app.config.update(…)`, `include("base.py")`."""
        name = last_name(node.func)
        if name == "include":
            self._include(node)
        elif isinstance(node.func, ast.Attribute) and name in _CONFIG_UPDATES:
            held = node.func.value
            if last_name(held) == "config" or _is_namespace(held):
                self._update(node)

    def _update(self, node: ast.Call) -> None:
        evaluation = Evaluation(self._scope)
        for one in node.args:
            value = evaluation.of(one)
            if isinstance(value, dict):
                for key, held in cast("dict[str, object]", value).items():
                    self._set(key, held, node.lineno, evaluation.variable)
        self._keywords(node)

    def _keywords(self, node: ast.Call) -> None:
        for one in node.keywords:
            evaluation = Evaluation(self._scope)
            if one.arg:
                self._set(one.arg, evaluation.of(one.value), one.value.lineno, evaluation.variable)

    def _anywhere(self, node: ast.AST) -> None:
        """What stands inside of functions: Flask's `create_app`, FastAPI-Mail's configuration, smtplib."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for each in node.body:
                if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Subscript):
                    self._statement(each)
                elif (
                    isinstance(each, ast.Expr)
                    and isinstance(each.value, ast.Call)
                    and last_name(each.value.func) != "include"
                ):
                    self._call(each.value)
        elif isinstance(node, ast.Call) and last_name(node.func) == _FASTAPI_MAIL:
            self._keywords(node)
        elif isinstance(node, ast.Call) and last_name(node.func) in _SMTPLIB and dotted(node.func).startswith(SMTPLIB):
            self._set(f"{SMTPLIB}.{last_name(node.func)}", COMPUTED, node.lineno)

    def _import(self, node: ast.ImportFrom) -> None:
        """`from .base import *`: the names of the other file are those of this one."""
        path = self._located(node)
        if path:
            self.read(path)

    def _located(self, node: ast.ImportFrom) -> Path | None:
        parts = (node.module or "").split(".") if node.module else []
        if node.level:
            folders = [self._path.parents[min(node.level, len(self._path.parents)) - 1]]
        elif any(one.name == "*" for one in node.names):
            folders = list(self._path.parents[:_MAX_PARENTS])
        else:
            return None
        names = [".".join(parts), *(".".join([*parts, one.name]) for one in node.names if one.name != "*")]
        candidates = (located(folder, name) for folder in folders for name in names if name)
        return next((path for path in candidates if path), None)

    def _include(self, node: ast.Call) -> None:
        """`include("base.py", optional("local.py"))` of django-split-settings."""
        for one in node.args:
            inner = one.args[0] if isinstance(one, ast.Call) and one.args else one
            pattern = as_text(Evaluation(self._scope).of(inner))
            if pattern.endswith(".py") and not Path(pattern).is_absolute() and ".." not in Path(pattern).parts:
                for path in sorted(self._path.parent.glob(pattern))[:_MAX_FILES]:
                    self.read(path)


def parsed(text: str) -> ast.Module:
    """The syntax tree of a foreign file, without warnings about its escapes.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: It is not Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def located(folder: Path, module: str) -> Path | None:
    """The file of a module below a folder; None where there is none."""
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    place = folder.joinpath(*parts)
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _is_namespace(node: ast.expr) -> bool:
    """Whether it is `vars()`, `globals()` or `locals()`."""
    return isinstance(node, ast.Call) and last_name(node.func) in _NAMESPACES


def _prefix_of(node: ast.ClassDef) -> str:
    """`env_prefix` of pydantic-settings, in either of its places."""
    for each in ast.walk(node):
        if isinstance(each, ast.keyword) and each.arg == "env_prefix" and isinstance(each.value, ast.Constant):
            return as_text(each.value.value)
        if isinstance(each, ast.Assign) and any(last_name(one) == "env_prefix" for one in each.targets):
            return as_text(each.value.value) if isinstance(each.value, ast.Constant) else ""
    return ""
