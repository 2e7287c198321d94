"""Everything that `mailer` raises, in one tree.

MailerError                      what happened, why, and what to do next
├── ConfigurationError           the set-up is wrong; nothing was tried
│   ├── StackNotFound            no outputs of the stack could be found
│   └── StackOutputsInvalid      outputs were found and are not what this version reads
└── InvalidAddress (ValueError)  an address that no mail may be sent to
"""


class MailerError(Exception):
    """Base of the tree.

    Attributes:
        hint: What to do next, one sentence; empty where there is nothing to add.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} {self.hint}" if self.hint else message


class ConfigurationError(MailerError):
    """The set-up is wrong; nothing was tried."""


class StackNotFound(ConfigurationError):  # noqa: N818
    """No outputs of the stack could be found in any of the places that were looked at."""


class StackOutputsInvalid(ConfigurationError):  # noqa: N818
    """Outputs were found, and they are not what this version of the library reads."""


class InvalidAddress(MailerError, ValueError):  # noqa: N818
    """An address that no mail may be sent to or from."""
