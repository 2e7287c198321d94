"""`send`: a template to a user, in their language and time zone, when the transaction commits."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.base_user import AbstractBaseUser

from mailer.address import Address
from mailer.django.backend import stream_by_sender
from mailer.django.config import config
from mailer.django.delivery import Order
from mailer.django.process import get_mailer
from mailer.django.users import address_of, in_their_words, localized
from mailer.unchanged import UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import tzinfo

    from mailer.attachment import Attachment
    from mailer.mailer import Content
    from mailer.message import Pairs
    from mailer.options import SendOptions
    from mailer.results import SendResult

    Recipient = AbstractBaseUser | str | Address
    Recipients = Recipient | Iterable[Recipient] | None


def send(  # noqa: PLR0913 - as `Mailer.send`
    template: "Content | Callable[[], Content]",
    *,
    to: "Recipients",
    cc: "Recipients" = None,
    bcc: "Recipients" = None,
    reply_to: "Recipients" = None,
    sender: "str | Address | None" = None,
    subject: str | None = None,
    headers: "Pairs" = None,
    tags: "Pairs" = None,
    attachments: "Attachment | Iterable[Attachment] | None" = None,
    stream: str = "",
    tenant: str = "",
    options: "SendOptions | None" = None,
    secret: bool | None = None,
    idempotency_key: str | None = None,
    language: str = "",
    time_zone: "tzinfo | str | None" = None,
    on_commit: bool | None = None,
) -> "SendResult":
    """Send a template, or another content of `mailer.Mailer.send`, to a user, in their language and time zone.

    It is rendered now, and sent when the transaction commits. A rollback sends nothing.

    Args:
        template: The content. A function without arguments that returns it is called in the user's language, for
            fields that hold translations or times: `lambda: Welcome(name=_("friend"), ...)`.
        to: A user, an address, or several of them. All see each other: call it for each for separate mails.
        cc: As `to`.
        bcc: As `to`.
        reply_to: As `to`.
        sender: See `Mailer.send`.
        subject: See `Mailer.send`.
        headers: See `Mailer.send`.
        tags: See `Mailer.send`.
        attachments: See `Mailer.send`.
        stream: See `Mailer.send`. Default: as the setting `MAILSTACK` says.
        tenant: See `Mailer.send`.
        options: See `Mailer.send`.
        secret: See `Mailer.send`.
        idempotency_key: See `Mailer.send`.
        language: The language, such as `de`. Default: that of the first user in `to`, then the active one.
        time_zone: The time zone or its name. Default: likewise.
        on_commit: Whether it waits for the commit. Default: what `MAILSTACK` says.

    Returns:
        One result per recipient; `queued` while it waits. The signal `message_sent` has the result afterwards.

    Raises:
        InvalidMessage: The message cannot be sent as it is, or a user has no address.
        ConfigurationError: The setting is wrong. `UnknownStream` and `TemplateError` are subclasses.
    """
    found, mailer = config(), get_mailer()
    given: dict[str, Any] = {
        "subject": subject,
        "sender": sender,
        "headers": headers,
        "tags": tags,
        "attachments": attachments,
        "tenant": tenant,
        "options": options,
        "secret": secret,
        **{name: _addresses(value) for name, value in (("cc", cc), ("bcc", bcc), ("reply_to", reply_to)) if value},
    }
    from_ = Address.parse(sender) if sender else None
    stream = stream or (stream_by_sender(from_, found) if from_ else "") or found.stream
    with in_their_words(_first_user(to), found, language, time_zone):
        content = localized(
            cast("Content", template() if callable(template) and not isinstance(template, type) else template)
        )
        given = {name: value for name, value in given.items() if value is not None and value != ""}
        mail = mailer.compose(content, to=_addresses(to), stream=stream or UNCHANGED, **given)
    order = Order(mailer=mailer, mail=mail, sender=type(content), key=idempotency_key)
    return order.place(found, on_commit)


async def asend(template: "Content | Callable[[], Content]", *, to: "Recipients", **arguments: Any) -> "SendResult":
    """As `send`, from a coroutine. It runs in the thread that Django's synchronous code runs in."""
    from asgiref.sync import sync_to_async

    return await sync_to_async(send)(template, to=to, **arguments)


def _addresses(given: "Recipients") -> list[Address]:
    if given is None:
        return []
    alone = isinstance(given, AbstractBaseUser | str | Address) or _is_text(given) or not hasattr(given, "__iter__")
    several = [cast("Recipient", given)] if alone else list(cast("Iterable[Recipient]", given))
    return [
        address_of(one) if isinstance(one, AbstractBaseUser) else Address.parse(cast("str", one)) for one in several
    ]


def _is_text(value: object) -> bool:
    """Whether it is a lazy translation, or Django's lazy `request.user`."""
    return callable(getattr(value, "casefold", None)) or hasattr(value, "get_email_field_name")


def _first_user(given: "Recipients") -> AbstractBaseUser | None:
    several = list(cast("Iterable[object]", given)) if isinstance(given, list | tuple) else [given]
    return next((one for one in several if isinstance(one, AbstractBaseUser)), None)
