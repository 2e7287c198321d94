"""What every group of settings is made of, and the marks that a setting may carry."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

NAMESPACE = "mailstack"  # of the keys in the file


@dataclass(frozen=True)
class Allowed:
    """What a setting may hold, in words that follow "allowed: "; for messages and the reference."""

    words: str


@dataclass(frozen=True)
class Hidden:
    """Marks a setting that must be encrypted, and is shown in no message."""


class Group(BaseModel):
    """Settings that belong together. Keys are camelCase in the file, as Pulumi's own are."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, validate_default=True
    )


Switch = Annotated[bool, Allowed("true or false")]
