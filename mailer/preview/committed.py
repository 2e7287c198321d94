"""Templates as the last commit has them: their files from git, with today's class, sample and brand.

A class of the past is not imported: its module would run. Its subject and preheader are read from its source.
"""

import ast
import sys
import types
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING, cast
from weakref import finalize

import mailer
from mailer.errors import TemplateError
from mailer.preview.git import Commit, export, last_commit
from mailer.templates.files import TemplateFiles

if TYPE_CHECKING:
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand

_SUFFIXES = frozenset({".mjml", ".html", ".txt", ".css", ".po", ".mo"})
_PACKAGE = Path(mailer.__file__).parent
_FROM_SOURCE = ("subject", "preheader")


@dataclass(frozen=True, slots=True)
class Past:
    """A template as a commit has it: a class and a brand whose files are the commit's."""

    commit: Commit
    kind: "type[EmailTemplate]"
    brand: "Brand"


class Committed:
    """The last commits of the repositories that templates are in, in a temporary folder."""

    def __init__(self) -> None:
        self._folder = Path(mkdtemp(prefix="mailer-preview-"))
        finalize(self, rmtree, self._folder, ignore_errors=True)
        self._exported: dict[tuple[Commit, frozenset[Path]], Path] = {}
        self._pasts: dict[tuple[type[EmailTemplate], str], Past] = {}
        self._lock = Lock()

    def forget(self) -> None:
        """Make each class again when it is next asked for: today's may have changed."""
        with self._lock:
            self._pasts.clear()

    def commit(self, kind: "type[EmailTemplate]", brand: "Brand") -> Commit:
        """The last commit that a template is compared with.

        Raises:
            TemplateError: There is none.
        """
        return last_commit(_folder_of(kind, brand))

    def past(self, kind: "type[EmailTemplate]", brand: "Brand") -> Past:
        """A template as the last commit has it.

        Raises:
            TemplateError: There is no commit, or it does not have the template.
        """
        try:
            commit = self.commit(kind, brand)
            with self._lock:
                key = (kind, commit.id)
                if key not in self._pasts:
                    self._pasts[key] = self._made(commit, kind, brand)
                return self._pasts[key]
        except TemplateError as error:
            if _folder_of(kind, brand).is_relative_to(_PACKAGE):
                raise TemplateError("It comes with the package: there is nothing to compare it with.") from error
            raise

    def _made(self, commit: Commit, kind: "type[EmailTemplate]", brand: "Brand") -> Past:
        """The class with the commit's folders; a folder outside of the repository stays as it is."""
        folder = kind.template_folder()
        module = Path(getattr(sys.modules.get(kind.__module__), "__file__", None) or folder)
        folders = {folder, *brand.templates, *([Path(kind.locales)] if kind.locales else [])}
        target = self._export(commit, folders, module)

        def then(path: Path) -> Path:
            inside = _inside(path, commit.root)
            return path if inside is None else target / inside

        changes: dict[str, object] = {
            "__module__": kind.__module__,
            "folder": then(folder),
            "stem": kind.template_name(),
            "locales": then(Path(kind.locales)) if kind.locales else None,
            **_of_source(then(module), kind.__name__),
        }
        past = cast(
            "type[EmailTemplate]", types.new_class(kind.__name__, (kind,), exec_body=lambda own: own.update(changes))
        )
        old = brand.model_copy(update={"templates": tuple(map(then, brand.templates))})
        files = TemplateFiles.of(past, old.templates)
        found = files.page or files.text
        if found is None or not found.is_relative_to(target):
            raise TemplateError(f"{kind.template_name()} is not in the last commit, {commit.label}.")
        return Past(commit, past, old)

    def _export(self, commit: Commit, folders: set[Path], module: Path) -> Path:
        """The commit's files: those of the folders, and any MJML, which `mj-include` may reach from beside them."""
        inside = frozenset(filter(None, (_inside(one, commit.root) for one in (*folders, module))))

        def is_wanted(path: Path) -> bool:
            is_inside = path.suffix in _SUFFIXES and any(path.is_relative_to(one) for one in inside)
            return is_inside or path.suffix == ".mjml" or path in inside

        if (commit, inside) not in self._exported:
            target = Path(mkdtemp(dir=self._folder))
            export(commit, is_wanted, target)
            self._exported[commit, inside] = target
        return self._exported[commit, inside]


def _folder_of(kind: "type[EmailTemplate]", brand: "Brand") -> Path:
    """The folder that a template's files come from."""
    files = TemplateFiles.of(kind, brand.templates)
    found = files.page or files.text
    return found.parent if found else files.last


def _inside(path: Path, root: Path) -> Path | None:
    """The path in a repository; None where it is elsewhere."""
    with suppress(ValueError):
        return path.resolve().relative_to(root)
    return None


def _of_source(module: Path, name: str) -> dict[str, object]:
    """The subject and the preheader that a class has in its source, as far as they are plain text."""
    found: dict[str, object] = {}
    with suppress(OSError, SyntaxError, ValueError):
        tree = ast.parse(module.read_bytes())
        classes = (one for one in ast.walk(tree) if isinstance(one, ast.ClassDef) and one.name == name)
        for line in (line for one in classes for line in one.body):
            targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
            value = getattr(line, "value", None)
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found |= {one.id: value.value for one in targets if isinstance(one, ast.Name)}
    return {key: found[key] for key in _FROM_SOURCE if key in found}
