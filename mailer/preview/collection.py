"""The templates of the gallery: finds their classes, notices that files have changed, and reads them again."""

import sys
from importlib import import_module, reload
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from mailer.errors import MailerError, TemplateError
from mailer.locales import catalogues
from mailer.preview.committed import Committed
from mailer.preview.source_lines import SourceLines
from mailer.templates import engine
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.mjml import compile_folder
from mailer.templates.mjml_source import LAYOUT
from mailer.templates.translating import compile_catalogues

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SUFFIXES = frozenset({".mjml", ".html", ".txt", ".py", ".po"})
_CATALOG = "mailer.catalog"


class Collection:
    """The classes of some modules, and the catalog's.

    Args:
        names: Modules such as `shop.mails`, or classes such as `shop.mails:OrderShipped`.
        brand: Whose mails they are.
        catalog: Whether the catalog's templates are shown, too.

    Raises:
        TemplateError: A name cannot be imported, or has no templates.
    """

    def __init__(self, names: "Iterable[str]", brand: Brand, *, catalog: bool = True) -> None:
        self.brand = brand
        self._names, self._catalog = tuple(names), catalog
        self._lock = Lock()
        self.lines = SourceLines()
        self.committed = Committed()
        self.problem = ""
        self.kinds = self._found()
        self._seen = self._stamps()

    @property
    def version(self) -> str:
        """Changes when a file has; the templates are read again then."""
        with self._lock:
            stamps = self._stamps()
            if stamps != self._seen:
                changed = {path for path, stamp in stamps.items() if self._seen.get(path) != stamp}
                self._refresh(changed)
                self._seen = self._stamps()  # with what was compiled
            return f"{hash(tuple(sorted(self._seen.items()))):x}"

    @property
    def languages(self) -> list[str]:
        """Every language that a template can be shown in."""
        found = {kind.lang for kind in self.kinds.values()}
        for kind in self.kinds.values():
            found |= catalogues.available(kind.locales_folders(self.brand.templates))
        return sorted(found)

    def area(self, name: str) -> str:
        """The group that a template is listed in."""
        module = self.kinds[name].__module__
        return module.removeprefix(f"{_CATALOG}.") if module.startswith(_CATALOG) else module

    def _found(self) -> dict[str, type[EmailTemplate]]:
        own = [kind for name in self._names for kind in _classes(name)]
        if self._catalog:
            from mailer.catalog import TEMPLATES

            own.extend(TEMPLATES)
        found: dict[str, type[EmailTemplate]] = {}
        for kind in own:
            found.setdefault(kind.template_name(), kind)
        return found

    def _folders(self) -> set[Path]:
        folders = {kind.template_folder() for kind in self.kinds.values()}
        locales = {folder for kind in self.kinds.values() for folder in kind.locales_folders(self.brand.templates)}
        return {*folders, *locales, *self.brand.templates, LAYOUT}

    def _stamps(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for folder in self._folders():
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.suffix in _SUFFIXES:
                    try:
                        found[str(path)] = path.stat().st_mtime_ns
                    except OSError:  # an editor is replacing it
                        continue
        return found

    def _refresh(self, changed: set[str]) -> None:
        try:
            for folder in {Path(path).parent for path in changed}:
                _compile(folder)
            if any(path.endswith(".py") for path in changed):
                self._reload(changed)
            self.problem = ""
        except MailerError as error:
            self.problem = f"{error.message} {error.hint}"
        except Exception as error:  # noqa: BLE001 - a module that is being edited can raise anything
            self.problem = f"{type(error).__name__}: {error}"
        self.lines.forget()
        self.committed.forget()
        engine.forget()

    def _reload(self, changed: set[str]) -> None:
        for name in dict.fromkeys(name.partition(":")[0] for name in self._names):
            module = sys.modules[name]
            if getattr(module, "__file__", None) in changed:
                reload(module)
        self.kinds = self._found()


def _compile(folder: Path) -> None:
    """Bring compiled files up to date; a template without one is compiled when it is rendered."""
    if any(path.with_suffix(".html").exists() for path in folder.glob("*.mjml")):
        compile_folder(folder)
    if any(path.with_suffix(".mo").exists() for path in folder.glob("*.po")):
        compile_catalogues(folder)


def _classes(name: str) -> "Iterator[type[EmailTemplate]]":
    module_name, _, wanted = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # modules beside which the command is run, as `python -m` finds them
    try:
        module = import_module(module_name)
    except Exception as error:
        words = f"The module {module_name} cannot be imported: {type(error).__name__}: {error}."
        raise TemplateError(words, hint="Run the command where `import` finds it, or set PYTHONPATH.") from error
    kinds = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, EmailTemplate)
        and (value.__module__ == module_name or key == wanted)
        and value.subject
    }
    if not kinds or (wanted and wanted not in kinds):
        raise TemplateError(f"{name} names no template.", hint="Name a module or a class: shop.mails:OrderShipped.")
    yield from [kinds[wanted]] if wanted else kinds.values()
