"""Finds the files of a template: the user's own before those beside its class, so that each can be overridden by name.

Not for rendering; see `mailer.templates.engine`.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mailer.errors import TemplateError
from mailer.templates.mjml_source import LAYOUT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator


_LAYOUT = LAYOUT_PREFIX.rstrip("/")


class HasFiles(Protocol):
    """A class of mails, as far as its files go."""

    def template_name(self) -> str:
        """The files' name without suffix."""
        ...

    def template_folder(self) -> Path:
        """The folder that holds them."""
        ...


@dataclass(frozen=True)
class TemplateFiles:
    """The files of a template.

    Attributes:
        name: The files' name without suffix.
        own: The folders of the user, the first first.
        last: The folder of the class.
    """

    name: str
    own: "tuple[Path, ...]"
    last: "Path"

    @classmethod
    def of(cls, kind: HasFiles, folders: "tuple[Path, ...]" = ()) -> "TemplateFiles":
        """The files of a class."""
        return cls(kind.template_name(), tuple(filter(Path.is_dir, folders)), kind.template_folder())

    @property
    def folders(self) -> "tuple[Path, ...]":
        """Every folder, in the order in which they are searched."""
        return (*self.own, self.last)

    @property
    def layout_folders(self) -> "Iterator[Path]":
        """The user's folders that replace files of the layout."""
        return (folder / _LAYOUT for folder in self.own if (folder / _LAYOUT).is_dir())

    @cached_property
    def page(self) -> "Path | None":
        """The HTML or, where it is not compiled or its layout is replaced, the MJML."""
        for folder in self.folders:
            compiled, source = (folder / f"{self.name}{suffix}" for suffix in (".html", ".mjml"))
            if source.is_file() and (not compiled.is_file() or any(self.layout_folders)):
                return source
            if compiled.is_file():
                return compiled
        return None

    @cached_property
    def text(self) -> "Path | None":
        """The plain text; None where it must be derived: a page is not sent with the text of one that it replaces."""
        stop = self.folders.index(self.page.parent) if self.page else len(self.folders) - 1
        paths = (folder / f"{self.name}.txt" for folder in self.folders[: stop + 1])
        return next((path for path in paths if path.is_file()), None)

    def html(self) -> str:
        """The page as a Jinja2 template; empty where the mail is plain text alone.

        Raises:
            TemplateError: It is MJML, and cannot be compiled.
        """
        if self.page is None:
            return ""
        if self.page.suffix == ".html":
            return self.page.read_text(encoding="utf-8")
        from mailer.templates.mjml import compile_mjml

        return compile_mjml(self.page, self.folders)

    def plain(self, html: str) -> str:
        """The plain text as a Jinja2 template: the file, else derived from the page.

        Raises:
            TemplateError: There is neither, or what derives it is not installed.
        """
        if self.text:
            return self.text.read_text(encoding="utf-8")
        if html:
            from mailer.templates.derived_text import derive

            return derive(html)
        raise TemplateError(
            f"The template {self.name} has no file: {self.last} has neither {self.name}.txt nor {self.name}.mjml.",
            hint="Write one of them, or set `folder` on the class.",
        )
