"""The SMTP account that the doctor looks at."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True)
class Account:
    """A server, and how to log in.

    Attributes:
        username: Empty to connect without a login.
        is_microsoft: Whether it is Microsoft 365, which has remedies of its own.
        context: What verifies the certificate. Default: the machine's authorities.
    """

    host: str
    port: int = 587
    username: str = ""
    password: str = field(default="", repr=False)
    is_microsoft: bool = False
    context: "ssl.SSLContext | None" = field(default=None, repr=False)
