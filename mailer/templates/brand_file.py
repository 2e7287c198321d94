"""Reads the fields of a brand from a TOML or JSON file. Not for what they mean; see `mailer.templates.brand`."""

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where the fields may be, the first that is there.
_TABLES = (("tool", "mailstack", "brand"), ("brand",))
_HINT = 'A brand is a TOML file with lines such as name = "Example", or JSON. docs/guides/templates.md#brand'


def read(path: str | Path) -> "Mapping[str, object]":
    """The fields in a file.

    Raises:
        TemplateError: It cannot be read, is neither TOML nor JSON, or is a `pyproject.toml` without a brand.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        data: object = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise TemplateError(f"The brand {path} cannot be read: {error.strerror}.", hint=_HINT) from error
    except (ValueError, RecursionError) as error:  # of both formats, and of bytes that are no text
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise TemplateError(f"The brand {path} is not {kind}: {error}.", hint=_HINT) from error
    for table in _TABLES:
        if (found := _inside(data, table)) is not None:
            return _resolved(found, path.parent)
    if not isinstance(data, dict):
        raise TemplateError(f"The brand {path} is JSON but not an object.", hint=_HINT)
    if path.name == "pyproject.toml":
        raise TemplateError(f"{path} has no table [tool.mailstack.brand].", hint=_HINT)
    return _resolved(cast("Mapping[str, object]", data), path.parent)


def _resolved(fields: "Mapping[str, object]", folder: Path) -> "Mapping[str, object]":
    """The fields with folders of templates as the file means them: relative to itself."""
    given = fields.get("templates")
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in cast("list[object]", names)):
        return fields
    return {**fields, "templates": [str(folder / name) for name in cast("list[str]", names)]}


def _inside(data: object, table: tuple[str, ...]) -> "Mapping[str, object] | None":
    for name in table:
        data = cast("Mapping[str, object]", data).get(name) if isinstance(data, dict) else None
    return cast("Mapping[str, object]", data) if isinstance(data, dict) else None
