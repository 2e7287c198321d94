"""Every exception of `mailer`, in one tree. All of them can be imported from `mailer`.

MailerError                           what happened, why, and what to do next
├── ConfigurationError                the configuration is wrong; nothing was sent
│   ├── StackNotFound                 the outputs of the stack were not found
│   ├── StackOutputsInvalid           outputs were found, and this version cannot read them
│   ├── UnknownStream                 the stack has no stream of that name
│   └── TemplateError                 a template cannot be found, compiled or rendered
│       └── TemplateFieldsInvalid (ValueError)  a field is missing, misspelt or of the wrong type
├── InvalidMessage (ValueError)       the message cannot be sent as it is
│   └── InvalidAddress                no mail can be sent to this address
├── IdempotencyConflict (ValueError)  the idempotency key was used for another message; nothing was sent
├── InvalidMessageId (ValueError)     of `Mailer.outcome`: this library did not make the id
├── InvalidUnsubscribeToken (ValueError)  of `Unsubscribe.read`: no key signed the link
├── OutcomeExpired (LookupError)      of `Mailer.outcome`: the message log does not go back so far
├── StoreError                        a store could not be read or written
├── NotSent                           raised by `SendResult.raise_if_not_sent`: a recipient was not sent to
├── CommandFailed                     of a command: AWS refused, or not everything could be done
│   └── ResumeFailed                  of `mailer resume`: AWS refused to resume sending
├── MalformedEvent                    in a Lambda function: a queue message is not an event
├── BatchFailed                       in a Lambda function: every record of a batch failed
├── SnsMessageRefused                 in the webhook: a request is not a message of the stack's topic
│   └── CertificateUnavailable        the certificate that verifies a message could not be fetched
├── HookFailed                        in the webhook: a hook of the application raised, or is running elsewhere
└── TransportError                    the message is not known to have been accepted; found in the result
    ├── Throttled                     the sending rate was exceeded: not accepted, retried
    │   ├── QuotaExceeded             the daily quota is used up: not accepted, not retried
    │   └── RateExceeded              the message would wait too long for the sending rate: SES was not asked
    ├── Unreachable                   no connection: not accepted, retried
    │   └── CredentialsUnavailable    the source of the credentials failed: nothing was sent, retried
    ├── TemporaryFailure              the server refused for now: not accepted, retried
    ├── CredentialsMissing            there are no credentials: nothing was sent
    ├── ClaimLost                     of an outbox's relay: another one decides about the mail; nothing was sent
    ├── OutcomeUnknown                no answer after the request was written: never retried
    └── Refused                       the service refused the message and would refuse it again
        ├── SendingPaused             sending is paused for the configuration set or the account
        ├── AccountSuspended          AWS suspended sending for the account
        ├── IdentityNotVerified       the sender, or in the sandbox a recipient, is not verified
        ├── AccessDenied              an IAM policy does not allow it
        ├── CredentialsInvalid        the credentials are expired or wrong
        ├── ClockSkewed               the clock of this machine is wrong
        ├── ResourceNotFound          the configuration set does not exist
        └── RecipientNotAllowed       the recipient guard of a stack outside production does not allow it

Each transport has a table that maps replies of its service to these classes.
"""

from typing import TYPE_CHECKING, ClassVar

from mailer.redaction import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable


class MailerError(Exception):
    """Base class of every exception of `mailer`.

    Attributes:
        hint: What to do next, in one sentence; may be empty.
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
        """Pickle and copy the error with its attributes and cause, without calling `__init__` again."""
        cause = self.__cause__ if isinstance(self.__cause__, MailerError | Cause) else None
        return _restored, (type(self), self.args), {**self.__dict__, **({"__cause__": cause} if cause else {})}


def _restored(kind: type[MailerError], args: tuple[object, ...]) -> MailerError:
    return kind.__new__(kind, *args)


class ConfigurationError(MailerError):
    """The configuration is wrong; nothing was sent."""


class StackNotFound(ConfigurationError):
    """The outputs of the stack were not found in any place where `mailer.load` looks."""


class StackOutputsInvalid(ConfigurationError):
    """Outputs were found, and this version of the library cannot read them."""


class UnknownStream(ConfigurationError):
    """The stack has no stream of that name."""


class TemplateError(ConfigurationError):
    """A template cannot be found, compiled or rendered."""


class TemplateFieldsInvalid(TemplateError, ValueError):
    """Fields of a template or a brand are missing, misspelt or wrong. The values are not shown."""


class InvalidMessage(MailerError, ValueError):
    """The message cannot be sent as it is."""


class InvalidAddress(InvalidMessage):
    """No mail can be sent to or from this address."""


class IdempotencyConflict(MailerError, ValueError):
    """The idempotency key was used for another message within its 24 hours; nothing was sent."""


def refuse(problems: "Iterable[str]") -> None:
    """Raise one `InvalidMessage` that names every problem, if there are any."""
    found = list(problems)
    if found:
        raise InvalidMessage(
            f"The message cannot be sent: {'; '.join(found)}.", hint="Correct it and send again; nothing was sent."
        )


class InvalidMessageId(MailerError, ValueError):
    """This library did not make the id, so the message log cannot tell when the message was sent."""


class InvalidUnsubscribeToken(MailerError, ValueError):
    """An unsubscribe link was changed, cut off, or signed with a key that is not known."""


class OutcomeExpired(MailerError, LookupError):
    """The message is older than what the message log keeps."""


class StoreError(MailerError):
    """A store could not be read or written. Whether the operation took effect is not known."""


class CommandFailed(MailerError):
    """A command could not do its work, or not all of it. The message says what was done."""


class ResumeFailed(CommandFailed):
    """The command `mailer resume` could not resume sending, or not all of it."""


class MalformedEvent(MailerError):
    """A queue message is not an event of SES or CloudWatch, or lacks a required part. A retry cannot succeed."""


class BatchFailed(MailerError):
    """Every record of a batch failed, so the function is more likely at fault than the records.

    Lambda counts it in `Errors`. The whole batch returns to the queue, as if each record had been reported.
    """


class SnsMessageRefused(MailerError):
    """A request to the webhook is not a message that SNS signed for one of the stack's topics. Nothing was done.

    Attributes:
        status: The HTTP status of the answer. SNS repeats a message after 429 and 5xx, and no other.
    """

    def __init__(self, message: str, *, hint: str = "", status: int = 403) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class CertificateUnavailable(SnsMessageRefused):
    """The certificate that verifies an SNS message could not be fetched. SNS sends the message again."""


class HookFailed(MailerError):
    """A feedback hook raised an error, or handles the same event in another process. SNS sends the message again."""


class TransportError(MailerError):
    """The message is not known to have been accepted.

    Attributes:
        code: The error code of the service, such as `MessageRejected`; empty if there was no reply.
        retryable: Whether the same message may be sent again: it was not accepted, and a retry may succeed.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Throttled(TransportError):
    """The sending rate was exceeded."""

    retryable = True


class QuotaExceeded(Throttled):
    """The daily sending quota is used up; a retry within seconds cannot succeed."""

    retryable = False


class RateExceeded(Throttled):
    """The message would wait too long for its turn in the account's sending rate. SES was not asked."""

    retryable = False


class Unreachable(TransportError):
    """No connection to the service could be made, so nothing was accepted."""

    retryable = True


class CredentialsUnavailable(Unreachable):
    """The source of the credentials (instance metadata, STS, SSO) failed, so nothing was sent."""


class TemporaryFailure(TransportError):
    """The server refused for now, such as by greylisting; not accepted."""

    retryable = True


class CredentialsMissing(TransportError):
    """There are no credentials, so nothing was sent."""


class ClaimLost(TransportError):
    """The relay of an outbox lost its claim to the mail before the service was asked, so nothing was sent."""


class OutcomeUnknown(TransportError):
    """The request was written, and no answer came: the message may have been accepted."""


class Refused(TransportError):
    """The service refused the message, and would refuse it again."""


class SendingPaused(Refused):
    """Sending is paused for the configuration set or for the account."""


class AccountSuspended(Refused):
    """AWS suspended sending for the account."""


class IdentityNotVerified(Refused):
    """The identity of the sender, or in the sandbox of a recipient, is not verified."""


class AccessDenied(Refused):
    """An IAM policy does not allow the role to send with this identity and configuration set."""


class CredentialsInvalid(Refused):
    """The service rejects the credentials: they are expired or wrong."""


class ClockSkewed(Refused):
    """The clock of this machine is wrong, so AWS rejects its signatures."""


class RecipientNotAllowed(Refused):
    """The recipient guard does not allow this recipient; the service was not asked."""


class ResourceNotFound(Refused):
    """The configuration set, or another resource that the request names, does not exist."""
