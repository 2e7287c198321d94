"""Chooses how many mails are sent: each by itself, or in bulk requests."""

from typing import TYPE_CHECKING

from mailer.sending.many import SingleSender
from mailer.transports.base import BulkTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.message import Message
    from mailer.results import SendResult
    from mailer.sending.engine import EngineChoice
    from mailer.sending.many import Sender
    from mailer.sending.pipeline import Pipeline


def sender_of_many(
    pipeline: "Pipeline",
    send: "Callable[..., SendResult]",
    compose: "Callable[..., Message]",
    engine: "EngineChoice",
    *,
    bulk: bool | None,
) -> "Sender":
    """Bulk requests if the stack, the caller and the transport allow them; a guard decides message by message.

    Args:
        pipeline: What sends composed messages.
        send: `Mailer.send`.
        compose: `Mailer.compose`.
        engine: What is known of the account's bulk requests.
        bulk: What the caller says; None for what the stack's settings say.
    """
    wanted = pipeline.outputs.bulk if bulk is None else bulk
    if not wanted or pipeline.guard or not isinstance(pipeline.transport, BulkTransport):
        return SingleSender(send)
    from mailer.sending.bulk import BulkSender, Steps

    steps = Steps(
        compose=lambda mail: pipeline.identified(mail.compose_with(compose)),
        send=pipeline.send,
        send_unobserved=pipeline.send_unobserved,
        suppressions=pipeline.suppressed,
        final=pipeline.final,
        attempt=pipeline.attempt,
        hand_over=pipeline.hand_over,
        finish=pipeline.finish,
        checked=pipeline.checked,
        once=pipeline.once,
        hooks=pipeline.hooks,
        limiter=pipeline.limiter,
        retries=pipeline.retries,
    )
    return BulkSender(pipeline.transport, steps, engine)
