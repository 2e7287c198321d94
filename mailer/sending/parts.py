"""Parts of a mailer: the checks of its arguments, and what it uses where the program passes nothing."""

from functools import partial
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError, UnknownStream

if TYPE_CHECKING:
    from mailer.sending.limiter import Limiter, RateLimit
    from mailer.stack import StackOutputs
    from mailer.stores.rate import RateStore
    from mailer.templates.brand import Brand
    from mailer.transports.base import Transport
    from mailer.wire.access import Access

# As many connections as are kept open: `mailer.wire.pool`.
_MAX_THREADS = 64


def checked_outputs(outputs: object) -> "StackOutputs":
    """The outputs.

    Raises:
        ConfigurationError: They are something else, such as the name of a stack.
    """
    from mailer.stack import StackOutputs

    if isinstance(outputs, StackOutputs):
        return outputs
    stack = outputs if isinstance(outputs, str) and outputs.replace("-", "").isalnum() else "prod"
    hint = f'Call Mailer.from_stack("{stack}"), which finds the outputs of a stack by its name.'
    raise ConfigurationError(f"Mailer(...) takes StackOutputs, not {type(outputs).__name__}.", hint=hint)


def known_stream(outputs: "StackOutputs", stream: str) -> str:
    """The name of a stream.

    Raises:
        UnknownStream: The stack has no such stream.
    """
    if stream not in outputs.streams:
        known = ", ".join(sorted(outputs.streams))
        raise UnknownStream(f"The stack {outputs.stack!r} has no stream {stream!r}.", hint=f"It has: {known}.")
    return stream


def checked_threads(threads: int) -> int:
    """How many threads send many mails.

    Raises:
        ConfigurationError: It is not 1 to 64.
    """
    if not 1 <= threads <= _MAX_THREADS:
        raise ConfigurationError(f"threads is {threads}.", hint=f"Pass 1 to {_MAX_THREADS}.")
    return threads


def default_brand(outputs: "StackOutputs") -> "Brand":
    """The brand of the stack's settings; its name is the stack's domain where they set none."""
    from mailer.templates.brand import Brand

    return Brand.model_validate({"name": outputs.domain[:64], **outputs.brand})


def ses_transport(outputs: "StackOutputs", access: "Access") -> "Transport":
    """SES in the stack's region."""
    from mailer.transports.ses import SesTransport

    return SesTransport(outputs, access=access)


def account_limiter(
    limit: "RateLimit | None", outputs: "StackOutputs", access: "Access", store: "RateStore | None"
) -> "Limiter":
    """Keeps the account's sending rate.

    Raises:
        ConfigurationError: The rate is to be shared, and the store cannot share it.
    """
    from mailer.sending.account import Account
    from mailer.sending.limiter import Limiter, RateLimit
    from mailer.transports.ses import account_standing

    limit = limit or RateLimit()
    account = Account(store, partial(account_standing, outputs.region, access))
    if limit.shared and store is None:
        hint = "Use the stack's table or a SQL store, or RateLimit(shared=False)."
        raise ConfigurationError("This store cannot share the sending rate among processes.", hint=hint)
    return Limiter(limit, account, store if limit.shared else None, warm_up=outputs.warm_up)
