"""Folders of templates as programs name them: paths, FastAPI's `Jinja2Templates`, or an engine of Django's.

Not for what is in them; see `mailer.templates.files`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import BeforeValidator

if TYPE_CHECKING:
    from collections.abc import Iterable

MAILS = "mails"


def folders(given: object) -> tuple[Path, ...]:
    """The folders that something names, the first to be searched first.

    Args:
        given: A path, several, a Starlette or FastAPI `Jinja2Templates`, or `django.template.engines["django"]`. Of the
            folders of a framework, those named `mails` in them: a page of the site must not replace a mail.

    Raises:
        ValueError: It names no folders.

    Example:
        >>> folders("mails") == folders(["mails"]) == (Path("mails"),)
        True
    """
    if isinstance(given, str | Path):
        return (Path(given),)
    if type(given) in {list, tuple}:
        return tuple(Path(str(path)) for path in cast("list[object]", given))
    paths = _of_framework(given)
    if paths is None:
        raise ValueError(f"a {type(given).__name__} names no folders of templates")
    return tuple(Path(str(path)) / MAILS for path in paths)


def _of_framework(given: object) -> list[object] | None:
    """Django's backends list their `template_dirs`; Jinja2's loader has a `searchpath`."""
    dirs = cast("Iterable[object] | None", getattr(given, "template_dirs", None))
    if dirs is not None:
        return list(dirs)
    loader: object = getattr(getattr(given, "env", None), "loader", None)
    # FastAPI has a ChoiceLoader where it is given an environment.
    loaders = cast("list[object]", getattr(loader, "loaders", [loader]))
    paths = [cast("Iterable[object]", getattr(one, "searchpath", ())) for one in loaders]
    return [path for each in paths for path in each] or None


Folders = Annotated[tuple[Path, ...], BeforeValidator(folders)]
