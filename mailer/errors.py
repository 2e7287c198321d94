"""Everything that `mailer` raises or puts into a result, in one tree.

MailerError                       what happened, why, and what to do next
├── ConfigurationError            the set-up is wrong; nothing was tried
│   ├── StackNotFound             no outputs of the stack could be found
│   ├── StackOutputsInvalid       outputs were found and are not what this version reads
│   ├── UnknownStream             the stack has no stream of that name
│   └── TemplateError             a template cannot be found, compiled or rendered
│       └── TemplateFieldsInvalid (ValueError)   its fields are missing, misspelt or of the wrong type
├── InvalidMessage (ValueError)   a message that cannot be sent as it stands
│   └── InvalidAddress            an address that no mail may be sent to
├── StoreError                    a store could not be read or written (mailer.stores.base)
├── NotSent                       raised when asked for: some recipient was not sent to (mailer.results)
└── TransportError                handed over, and not known to have been accepted; stands in the result
    ├── Throttled                 too fast: not accepted, may be tried again
    │   └── QuotaExceeded         the day's quota is used up: not accepted, trying again soon does not help
    ├── Unreachable               never reached the service: not accepted, may be tried again
    │   └── CredentialsUnavailable  the source of the credentials failed: nothing was asked, may be tried again
    ├── CredentialsMissing        there are no credentials: nothing was asked
    ├── OutcomeUnknown            no answer after the request was written: never tried again blindly
    └── Refused                   the service said no: not accepted, and would say no again
        ├── SendingPaused         sending is switched off for the configuration set or the account
        ├── AccountSuspended      AWS stopped the account
        ├── IdentityNotVerified   the sender, or in the sandbox a recipient, is not verified
        ├── AccessDenied          the role may not send so
        ├── CredentialsInvalid    credentials that are expired or wrong
        ├── ClockSkewed           this machine's clock is wrong, so that signatures are
        └── ResourceNotFound      the configuration set is not there

Which reply of which service becomes which of these stands with its transport.
"""

from typing import TYPE_CHECKING, ClassVar

from mailer.redaction import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable


class MailerError(Exception):
    """Base of the tree.

    Attributes:
        hint: What to do next, one sentence; empty where there is nothing to add.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def message(self) -> str:
        """What happened and why, without the hint."""
        return super().__str__()

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __reduce__(self) -> "tuple[object, ...]":
        """Across processes, and for copies: the error as it is, without calling `__init__` again, and its cause."""
        cause = self.__cause__ if isinstance(self.__cause__, MailerError | Cause) else None
        return _restored, (type(self), self.args), {**self.__dict__, **({"__cause__": cause} if cause else {})}


def _restored(kind: type[MailerError], args: tuple[object, ...]) -> MailerError:
    return kind.__new__(kind, *args)


class ConfigurationError(MailerError):
    """The set-up is wrong; nothing was tried."""


class StackNotFound(ConfigurationError):  # noqa: N818
    """No outputs of the stack could be found in any of the places that were looked at."""


class StackOutputsInvalid(ConfigurationError):  # noqa: N818
    """Outputs were found, and they are not what this version of the library reads."""


class UnknownStream(ConfigurationError):  # noqa: N818
    """The stack has no stream of that name."""


class TemplateError(ConfigurationError):
    """A template cannot be found, compiled or rendered."""


class TemplateFieldsInvalid(TemplateError, ValueError):  # noqa: N818
    """A template, or a brand, was given fields that are missing, misspelt or wrong; what was given is not shown."""


class InvalidMessage(MailerError, ValueError):  # noqa: N818
    """A message that cannot be sent as it stands."""


class InvalidAddress(InvalidMessage):
    """An address that no mail may be sent to or from."""


def refuse(problems: "Iterable[str]") -> None:
    """Raise one `InvalidMessage` that names every problem, where there are any."""
    found = list(problems)
    if found:
        raise InvalidMessage(f"The message cannot be sent: {'; '.join(found)}.", hint="Correct it; nothing was sent.")


class TransportError(MailerError):
    """A message was handed over and is not known to have been accepted.

    Attributes:
        code: The service's own code, such as `MessageRejected`; empty where there was no reply.
        retryable: Whether the same message may be handed over again: only where it is known not to have been accepted,
            and another attempt may end differently.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Throttled(TransportError):  # noqa: N818
    """The service took no more just then."""

    retryable = True


class QuotaExceeded(Throttled):
    """The day's sending quota is used up; a retry within seconds cannot help."""

    retryable = False


class Unreachable(TransportError):  # noqa: N818
    """The service was never reached, so nothing was accepted."""

    retryable = True


class CredentialsUnavailable(Unreachable):
    """The source of the credentials (instance metadata, STS, SSO) failed, so the service was not asked."""


class CredentialsMissing(TransportError):  # noqa: N818
    """There are no credentials, so the service was not asked."""


class OutcomeUnknown(TransportError):  # noqa: N818
    """The request was written and no answer came: the message may or may not have been accepted."""


class Refused(TransportError):  # noqa: N818
    """The service said no, and would say no again."""


class SendingPaused(Refused):
    """Sending is switched off for the configuration set or for the account."""


class AccountSuspended(Refused):
    """AWS stopped the account from sending."""


class IdentityNotVerified(Refused):
    """The sender's identity, or in the sandbox a recipient's, is not verified."""


class AccessDenied(Refused):
    """The role may not send so."""


class CredentialsInvalid(Refused):
    """The service does not take the credentials: they are expired or wrong."""


class ClockSkewed(Refused):
    """This machine's clock is wrong, and with it every signature."""


class ResourceNotFound(Refused):
    """The configuration set, or another thing that the request names, is not there."""
