"""Writes docs/reference/catalogue.md: each template of mailer.catalog with its picture, subject and fields.

`make docs` writes the page, `make pictures` the pictures: `tools.docs.catalogue_pictures`.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from mailer.catalog import TEMPLATES
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.engine import render

PICTURES = "catalogue"
SUFFIX = "webp"
BRAND = Brand(name="Example", support="help@example.com", postal_address="1 Example Street")
_START = """\
# Catalogue

The templates of `mailer.catalog`, with sample values. `make docs` generates this page from the code, `make pictures`
the pictures. `mailer preview` shows each in every language, on a phone and a desktop, in light and dark mode.

```python
from mailer import Mailer
from mailer.catalog import Welcome

mailer = Mailer.from_stack("prod")
mailer.send(Welcome(name="Ada", dashboard_url="https://example.com/start"), to="ada@example.com")
```

Each has HTML and plain text in English, Spanish and Nepali ([Languages](../guides/languages.md)), and your brand's
name, colours and footer ([Templates](../guides/templates.md)). The types of fields:

| type | meaning |
| --- | --- |
| `PersonName` | left out where it is not safe to show: empty, longer than 64 characters, or like a link |
| `Title` | one line, shortened to 60 characters; `Excerpt`: several lines, shortened to 600 |
| `Url` | an http or https URL; `SecretUrl` is printed as `***`, and mail with one is not tracked |
| `Code` | 4 to 12 letters and digits, printed as `***` |
| `Minutes` | a number of minutes, shown in the largest unit that divides it |
| `Money` | `Money(amount="12.50", currency="EUR")` |
| `AwareDatetime` | a `datetime` with a time zone |
"""


def main(path: str) -> None:
    """Write the page."""
    Path(path).write_text(page(), encoding="utf-8")


def page() -> str:
    """The page."""
    return "\n".join([_START, *_sections()]).rstrip() + "\n"


def _sections() -> Iterator[str]:
    area = ""
    for kind in TEMPLATES:
        here = kind.__module__.rpartition(".")[2]
        if here != area:
            area = here
            yield f"## {area.capitalize()}\n"
        yield _section(kind)


def _section(kind: type[EmailTemplate]) -> str:
    name = kind.template_name()
    subject = render(kind.model_validate(kind.sample), BRAND).subject.reveal()
    about = re.sub(r"\s+", " ", inspect.cleandoc(kind.__doc__ or "").replace("|", "\\|"))
    rows = "\n".join(f"| `{field}` | `{written}` | {default} |" for field, written, default in _fields(kind))
    return (
        f"### {kind.__name__}\n\n{about} Subject: “{subject}”.\n\n"
        f"![{kind.__name__}]({PICTURES}/{name}.{SUFFIX})\n\n"
        f"| field | type | default |\n| --- | --- | --- |\n{rows}\n"
    )


def _fields(kind: type[EmailTemplate]) -> Iterator[tuple[str, str, str]]:
    """Each field with its type as the class writes it, and its default."""
    written: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("mailer.catalog"):
            written |= _annotations(base)
    for name, field in kind.model_fields.items():
        default = "required" if field.is_required() else f"`{field.default!r}`"
        yield name, written[name].replace("|", "\\|"), default


def _annotations(kind: type) -> dict[str, str]:
    (node,) = ast.parse(inspect.getsource(kind)).body
    lines = node.body if isinstance(node, ast.ClassDef) else []
    fields = [line for line in lines if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)]
    return {ast.unparse(line.target): ast.unparse(line.annotation) for line in fields}


if __name__ == "__main__":
    main(*sys.argv[1:])
