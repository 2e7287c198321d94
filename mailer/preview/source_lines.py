"""Which line of MJML each part of a page comes from, so that a click on it can say so.

The page is compiled again with a comment before each element. Only for the gallery: mails have no such comments.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING
from weakref import finalize

from mailer.templates.files import TemplateFiles
from mailer.templates.jinja_marks import masked
from mailer.templates.mjml import compile_mjml
from mailer.templates.mjml_source import load

if TYPE_CHECKING:
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand

# Children of a body or a column: beside them `mj-raw` is allowed.
_ELEMENT = re.compile(
    r"<(mj-(?:section|wrapper|hero|text|button|image|table|divider|spacer|social|navbar|accordion))\b"
)
_BODY = "<mj-body"


class SourceLines:
    """The pages with comments, in a folder of their own that a brand's templates come from."""

    def __init__(self) -> None:
        self._folder = Path(mkdtemp(prefix="mailer-preview-"))
        finalize(self, rmtree, self._folder, ignore_errors=True)
        self._places: dict[str, list[str]] = {}

    def forget(self) -> None:
        """Compile each page again when it is next shown."""
        self._places.clear()

    def places(self, kind: "type[EmailTemplate]", brand: "Brand") -> list[str]:
        """The places of a page's elements by number, such as `welcome.mjml:9, <mj-text>`; none where it has no MJML.

        Raises:
            TemplateError: The MJML cannot be compiled.
        """
        name = kind.template_name()
        if name not in self._places:
            self._places[name] = self._compile(TemplateFiles.of(kind, brand.templates))
        return self._places[name]

    def brand(self, kind: "type[EmailTemplate]", brand: "Brand") -> "Brand":
        """The brand whose template is the page with comments, if the template has MJML."""
        if not self.places(kind, brand):
            return brand
        return brand.model_copy(update={"templates": (self._folder, *brand.templates)})

    def _compile(self, files: TemplateFiles) -> list[str]:
        mjml = files.page.with_suffix(".mjml") if files.page else None
        if mjml is None or not mjml.is_file() or not find_spec("mrml"):
            return []
        text, places = _marked(mjml, files)
        source = self._folder / f"{files.name}.source.mjml"
        source.write_text(text, encoding="utf-8")
        page = compile_mjml(source, files.folders)
        (self._folder / f"{files.name}.html").write_text(page, encoding="utf-8")
        return places


def _marked(mjml: Path, files: TemplateFiles) -> tuple[str, list[str]]:
    """The whole text with a comment before each element of its body, and the elements' places."""
    source = load(mjml, files.folders)
    parts: list[str] = []
    places: list[str] = []
    end = 0
    clean = masked(source.text)
    for found in _ELEMENT.finditer(clean, clean.find(_BODY)):
        comment = f'<mj-raw>{{{{ "<!--at-{len(places)}-->"|safe }}}}</mj-raw>'
        parts += [source.text[end : found.start()], comment]
        places.append(f"{source.place(found.start())}, <{found[1]}>")
        end = found.start()
    return "".join([*parts, source.text[end:]]), places
