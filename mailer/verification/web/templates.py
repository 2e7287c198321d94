"""The HTML of the pages: Jinja2, escaped, and each page can be replaced by a file of the same name."""

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from jinja2 import TemplateError as JinjaError

from mailer.errors import ConfigurationError, TemplateError
from mailer.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "html"
NAMES = ("base.html", "ask.html", "code.html", "link.html", "message.html")


class PageTemplates:
    """Renders pages.

    Args:
        folder: A folder with files that replace those of the library: `base.html`, `ask.html`, `code.html`,
            `link.html`, `message.html`. What it does not have is the library's.
        variables: Further variables of every page, such as the name of the application.

    Raises:
        ConfigurationError: The folder does not exist, or has none of these files.
    """

    def __init__(self, folder: "Path | str | None" = None, *, variables: "Mapping[str, object] | None" = None) -> None:
        folders = [FOLDER]
        if folder is not None:
            own = Path(folder)
            if not any((own / name).is_file() for name in NAMES):
                hint = f"It needs one of: {', '.join(NAMES)}."
                raise ConfigurationError(f"The folder {own} has no page of verification.", hint=hint)
            folders.insert(0, own)
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(one) for one in folders]),
            autoescape=True,
            undefined=StrictUndefined,
        )
        self._variables: dict[str, object] = {"app_name": "", "lang": "en", **(variables or {})}

    def render(self, name: str, values: "Mapping[str, object]") -> str:
        """A page with its variables.

        Raises:
            TemplateError: The page is broken, or names a variable that does not exist.
        """
        try:
            return self._environment.get_template(name).render({**self._variables, **values})
        except TemplateNotFound as error:
            raise TemplateError(f"The page {name} includes {error.name}, which does not exist.") from None
        except JinjaError as error:
            hint = f"Its variables are: {', '.join(sorted(values))}."
            raise TemplateError(f"The page {name} cannot be rendered: {redact(str(error))}.", hint=hint) from None
