"""Reads templates as other providers export them, and translates each into a class with files."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mailer.errors import ConfigurationError
from mailer.migrate.sources import text_of
from mailer.migrate.templates.classes import class_lines, class_name, stem_of
from mailer.migrate.templates.handlebars import Handlebars
from mailer.migrate.templates.merge_tags import MergeTags
from mailer.migrate.templates.uses import Problem, Variable

_HEAD = '"""Templates that were imported by `mailer templates import`. Check the types of the fields."""\n\n'
_PLAIN = {".html", ".htm", ".hbs", ".handlebars", ".mustache"}
_WORDS = re.compile(r"[^A-Za-z0-9 _.-]+")
_CLASS = re.compile(r"class (\w+)\(")
_MAX_TEMPLATES = 1000


@dataclass(frozen=True)
class Exported:
    """A template of another provider.

    Attributes:
        name: As the provider has it.
        subject: In its syntax.
        html: In its syntax; empty without.
        text: In its syntax; empty without.
    """

    name: str
    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class Imported:
    """A template of ours.

    Attributes:
        name: Of the old template.
        class_name: Of the new class.
        lines: Of the class.
        files: Text by name.
        problems: What is not as it was, by the old part.
    """

    name: str
    class_name: str
    lines: tuple[str, ...]
    files: dict[str, str]
    problems: tuple[tuple[str, Problem], ...]


def read_exports(path: Path) -> list[Exported]:
    """The templates of a file or a folder.

    Raises:
        ConfigurationError: It holds none that are known.
    """
    if path.is_dir():
        found = [one for part in sorted(path.glob("*/content.html")) for one in _of_folder(part.parent)]
        found = found or [_of_html(part) for part in sorted(path.iterdir()) if part.suffix in _PLAIN]
    elif path.suffix in _PLAIN:
        found = [_of_html(path)]
    else:
        found = list(_of_json(path))
    if not found:
        hint = "Name JSON of the provider's API, a folder of the Postmark CLI, or an HTML file."
        raise ConfigurationError(f"{path} holds no templates that are known.", hint=hint)
    return found[:_MAX_TEMPLATES]


def imported(exported: Exported, taken: set[str]) -> Imported:
    """Translate a template.

    Args:
        exported: The template.
        taken: Names of classes that exist; the new one is added.
    """
    name = class_name(exported.name)
    while name in taken:
        name = f"{name}Again"
    root, problems = Variable(), list[tuple[str, Problem]]()
    parts: dict[str, str] = {}
    for part, text in (("subject", exported.subject), ("html", exported.html), ("text", exported.text)):
        kind = MergeTags if "*|" in text else Handlebars
        translator = kind(root, is_html=part == "html")
        parts[part] = translator.translate(text)
        problems += ((part, problem) for problem in translator.problems)
    source = f'The template "{_WORDS.sub("", exported.name)[:60]}".'
    lines = list(class_lines(name, " ".join(parts["subject"].split()), root, source))
    taken |= {found[1] for line in lines if (found := _CLASS.match(line))}
    files = {
        f"{stem_of(name)}.{suffix}": parts[part] for part, suffix in (("html", "html"), ("text", "txt")) if parts[part]
    }
    return Imported(exported.name, name, tuple(lines), files, tuple(problems))


def module_text(templates: Iterable[Imported]) -> str:
    """The module with all classes."""
    body = "\n".join(line for one in templates for line in one.lines).rstrip() + "\n"
    names = ["EmailTemplate", *(["Url"] if re.search(r": Url\b", body) else [])]
    pydantic = "from pydantic import BaseModel\n\n" if "(BaseModel)" in body else ""
    return f"{_HEAD}{pydantic}from mailer import {', '.join(names)}\n\n\n{body}"


def _of_html(path: Path) -> Exported:
    text = path.with_suffix(".txt")
    return Exported(path.stem, path.stem.replace("_", " "), text_of(path), text_of(text) if text.is_file() else "")


def _of_folder(folder: Path) -> Iterator[Exported]:
    """`postmark templates pull`: content.html, content.txt, meta.json."""
    meta: object = _json(folder / "meta.json") if (folder / "meta.json").is_file() else None
    given = cast("dict[str, Any]", meta) if isinstance(meta, dict) else dict[str, Any]()
    if given.get("TemplateType") == "Layout":
        return
    text = folder / "content.txt"
    subject = str(given.get("Subject") or "")
    yield Exported(
        str(given.get("Name") or folder.name),
        subject,
        text_of(folder / "content.html"),
        text_of(text) if text.is_file() else "",
    )


def _of_json(path: Path) -> Iterator[Exported]:
    data = _json(path)
    if isinstance(data, dict):
        held = cast("dict[str, Any]", data)
        listed = next((held[key] for key in ("result", "templates", "Templates", "items") if key in held), [held])
    else:
        listed = data
    for one in cast("list[object]", listed) if isinstance(listed, list) else []:
        if isinstance(one, dict):
            yield from _of_object(cast("dict[str, Any]", one))


def _of_object(given: dict[str, Any]) -> Iterator[Exported]:
    """One template of SendGrid, Postmark, Mailgun or Mandrill, by its keys."""
    given = given["template"] if isinstance(given.get("template"), dict) else given
    name = str(given.get("name") or given.get("Name") or given.get("slug") or given.get("Alias") or "template")
    versions = _listed(given.get("versions"))
    active = [one for one in versions if str(one.get("active")).lower() in {"1", "true"}]
    version = (active or versions)[-1] if versions else given.get("version")
    held = cast("dict[str, Any]", version) if isinstance(version, dict) else given
    headers = held.get("headers")
    subject = held.get("subject") or held.get("Subject") or held.get("publish_subject")
    if not subject and isinstance(headers, dict):
        subject = cast("dict[str, Any]", headers).get("Subject")
    html = _first(held, "html_content", "HtmlBody", "code", "publish_code", "template", "html")
    text = _first(held, "plain_content", "TextBody", "text", "publish_text")
    if html or text:
        yield Exported(name, str(subject or ""), html, text)


def _first(held: dict[str, Any], *keys: str) -> str:
    return next((held[key] for key in keys if isinstance(held.get(key), str) and held[key]), "")


def _listed(value: object) -> list[dict[str, Any]]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", one) for one in items if isinstance(one, dict)]


def _json(path: Path) -> object:
    try:
        found: object = json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        hint = "Name JSON of the provider's API, a folder of the Postmark CLI, or an HTML file."
        raise ConfigurationError(f"{path} is not JSON.", hint=hint) from error
    return found
