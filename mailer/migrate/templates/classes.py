"""Writes the class of a template as Python: its fields and their types follow from how the variables are used."""

import json
import re
from collections.abc import Iterator

from mailer.migrate.templates.uses import Use, Variable

# Names that the module has, and keywords that are written like classes.
_TAKEN = frozenset({"EmailTemplate", "BaseModel", "Url", "None", "True", "False"})
_NOT_WORD = re.compile(r"[^A-Za-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def class_name(name: str) -> str:
    """A name of a class.

    Example:
        >>> class_name("order shipped (v2)"), class_name("2nd notice")
        ('OrderShippedV2', 'Template2ndNotice')
    """
    words = [word for word in _NOT_WORD.split(name) if word]
    found = "".join(word[:1].upper() + word[1:] for word in words)[:60] or "Template"
    return found if found[0].isalpha() and found not in _TAKEN else f"Template{found}"


def stem_of(name: str) -> str:
    """The name of a class's files, as `EmailTemplate` has it."""
    return _HUMP.sub("_", name).lower()


def class_lines(name: str, subject: str, root: Variable, source: str) -> Iterator[str]:
    """The lines of a template's class, after the classes that its fields need.

    Args:
        name: Of the class.
        subject: In Jinja2.
        root: The variables.
        source: What it was made of, in words.
    """
    fields = list(_fields(name, root))
    for field, variable in root.parts.items():
        yield from _nested(f"{name}{class_name(field)}", variable)
    yield f"class {name}(EmailTemplate):"
    yield f'    """{source}"""'
    yield ""
    yield f"    subject = {json.dumps(subject, ensure_ascii=False)}"
    if fields:
        yield ""
        yield from fields
    yield ""
    yield ""


def _nested(name: str, variable: Variable) -> Iterator[str]:
    if not variable.parts:
        return
    for field, inner in variable.parts.items():
        yield from _nested(f"{name}{class_name(field)}", inner)
    yield f"class {name}(BaseModel):"
    yield from _fields(name, variable)
    yield ""
    yield ""


def _fields(name: str, variable: Variable) -> Iterator[str]:
    for field, inner in variable.parts.items():
        yield f"    {field}: {_type(f'{name}{class_name(field)}', inner)}"


def _type(name: str, variable: Variable) -> str:
    """The type of a field, and its default where the template asks whether there is a value."""
    uses = variable.uses
    optional = Use.TESTED in uses
    if Use.LISTED in uses:
        return f"list[{name if variable.parts else 'str'}]{' = []' if optional else ''}"
    if variable.parts:
        return f"{name} | None = None" if optional else name
    if Use.LINK in uses:
        return "Url | None = None" if optional else "Url"
    if Use.NUMBER in uses:
        return "float = 0" if optional else "float"
    if uses == {Use.TESTED}:
        return "bool = False"
    return 'str = ""' if optional else "str"
