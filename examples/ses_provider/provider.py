"""Creates the mailer of the provider that the settings name. The rest of the service is the same for each."""

from typing import TYPE_CHECKING

from mailer import Access, Mailer, SmtpTransport, load

from .settings import Provider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mailer import SendHook, SqlStores

    from .settings import Settings

# Streams of the providers that have no stack: the two that a stack has by default.
STREAMS = ("transactional", "marketing")
# What other SMTP servers than SES's have no word for.
NOT_OF_SMTP = ("tags", "tenant", "track_opens", "track_clicks")


def create_mailer(settings: "Settings", stores: "SqlStores", hooks: "Iterable[SendHook]" = ()) -> Mailer:
    """The mailer. Suppressions, idempotency keys and the message log are in `stores`, whatever carries the mails.

    Raises:
        ConfigurationError: A setting is wrong. `StackNotFound`: The stack is not found with these credentials.
    """
    return _PROVIDERS[settings.provider](settings, stores, tuple(hooks))


def _aws_ses(settings: "Settings", stores: "SqlStores", hooks: "tuple[SendHook, ...]") -> Mailer:
    access = Access(role=settings.role)
    outputs = load(settings.stack, access=access)
    if settings.sender:
        outputs = outputs.model_copy(update={"sender": settings.sender})
    return Mailer(outputs, session=access, store=stores, hooks=hooks)


def _smtp(settings: "Settings", stores: "SqlStores", hooks: "tuple[SendHook, ...]") -> Mailer:
    server = settings.smtp
    assert server  # noqa: S101 - `Settings.from_environment` reads it with this provider
    transport = SmtpTransport(
        server.host,
        server.port,
        security=server.security.value,
        username=server.username,
        password=server.password,
        ignore=NOT_OF_SMTP,
    )
    return Mailer.over(
        transport, sender=settings.sender, name="ses-provider", streams=STREAMS, store=stores, hooks=hooks
    )


def _console(settings: "Settings", stores: "SqlStores", hooks: "tuple[SendHook, ...]") -> Mailer:
    return Mailer.local(
        settings.folder, stack="ses-provider", sender=settings.sender, streams=STREAMS, store=stores, hooks=hooks
    )


_PROVIDERS: "Mapping[Provider, Callable[[Settings, SqlStores, tuple[SendHook, ...]], Mailer]]" = {
    Provider.AWS_SES: _aws_ses,
    Provider.SMTP: _smtp,
    Provider.CONSOLE: _console,
}
