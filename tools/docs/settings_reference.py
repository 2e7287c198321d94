"""The reference of settings, written from the model: `make docs`."""

import json
import sys
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings
from mailstack_infra.settings.problems import allowed, is_group, model_of

_HEAD = f"""\
# Settings

What `Pulumi.<stack>.yaml` may say, each key in the namespace `{NAMESPACE}:`. The smallest file names a domain and who
is paged:

```yaml
config:
  aws:region: eu-west-1
  {NAMESPACE}:domain: example.com
  {NAMESPACE}:page: oncall@example.com
```

A wrong file deploys nothing and gives one message with every problem. `make docs` writes this page anew.
"""
_COLUMNS = "| key | what it is for | allowed | default |\n| --- | --- | --- | --- |"


def markdown() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_section(f"{NAMESPACE}:", Settings)])


def _section(prefix: str, model: type[BaseModel], location: tuple[str, ...] = ()) -> Iterator[str]:
    """A table of a group's fields, then a section for each group inside it."""
    yield _COLUMNS
    groups: list[tuple[str, type[BaseModel], tuple[str, ...]]] = []
    for field in model.model_fields.values():
        key, place = str(field.alias), (*location, str(field.alias))
        if group := model_of(field.annotation):
            name = () if is_group(field) else ("<name>",)
            groups.append((".".join((f"{prefix}{key}", *name)), group, (*place, *name)))
        yield f"| `{prefix}{key}` | {_purpose(field)} | {allowed(place, Settings)} | {_default(field)} |"
    for heading, group, place in groups:
        yield f"\n## `{heading}`\n\n{(group.__doc__ or '').strip()}\n"
        yield from _section(f"{heading}.", group, place)


def _purpose(field: FieldInfo) -> str:
    group = model_of(field.annotation)
    return field.description or ((group.__doc__ or "").strip() if group else "")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if model_of(field.annotation):
        return "see below"
    return "" if field.default in ("", None) else f"`{json.dumps(field.default)}`"


if __name__ == "__main__":
    sys.stdout.write(markdown() + "\n")
