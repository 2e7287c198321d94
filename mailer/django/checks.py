"""What `manage.py check` says about the settings, and `manage.py check --deploy` about the stack in AWS.

Only the latter asks AWS. Each message says what to do.
"""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from warnings import catch_warnings, simplefilter

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.utils.module_loading import import_string

from mailer.address import Address
from mailer.collision import HINT, OTHER, WORDS, is_installed
from mailer.django.config import LABEL, SETTING, Config, read
from mailer.django.testing import has_outbox
from mailer.errors import InvalidAddress, MailerError
from mailer.install import install_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.stack import StackOutputs

_OPTIONS = {"stream", "tenant", "on_commit", "fail_silently"}
_NAMES = ("mailer.django.EmailBackend", "mailer.django.backend.EmailBackend")
# What Django's test runner writes into the settings.
_OF_TESTS = "django.core.mail.backends.locmem.EmailBackend"
# Django's defaults, which the stack's sender replaces.
_DEFAULTS = {"webmaster@localhost", "root@localhost"}
_SUPPORTED = {"sqlite", "postgresql"}
_LOCAL = "MAILSTACK_OUTPUTS keeps mail on this machine: it is written to files and not sent."


def register_all() -> None:
    """Register the checks with Django."""
    register(check_settings)
    register(check_database, Tags.database)
    register(check_stack, deploy=True)


def check_settings(**_: object) -> list[CheckMessage]:
    """The settings, without the network."""
    found, problems = read(getattr(settings, SETTING, None))
    messages: list[CheckMessage] = [Error(one.words, hint=one.hint, id="mailstack.E001") for one in problems]
    if problems:
        return [*messages, *_packages()]
    parts = (_packages(), _backends(), _senders(), _admins(), *(part(found) for part in _OF_SETTING))
    return [message for part in parts for message in part]


def _packages() -> "Iterator[CheckMessage]":
    if is_installed():
        yield Error(WORDS, hint=HINT, id="mailstack.E002")
    if "mailer" in settings.INSTALLED_APPS:
        words = f"INSTALLED_APPS has 'mailer', which is the application of {OTHER}."
        yield Error(words, hint="Write 'mailer.django' for this library.", id="mailstack.E003")


def _backends() -> "Iterator[CheckMessage]":
    """Whether a backend of the project is ours, and what its options are."""
    mailers = cast("dict[str, dict[str, Any]] | None", getattr(settings, "MAILERS", None))
    if mailers is None:
        with catch_warnings():
            simplefilter("ignore")  # Django itself says that the setting is deprecated
            backend = settings.EMAIL_BACKEND
        if backend not in _NAMES and not (has_outbox() and backend == _OF_TESTS):
            yield _not_ours("EMAIL_BACKEND", f'EMAIL_BACKEND = "{_NAMES[0]}"')
        return
    ours = {alias: entry for alias, entry in mailers.items() if entry.get("BACKEND") in _NAMES}
    are_of_tests = has_outbox() and all(entry.get("BACKEND") == _OF_TESTS for entry in mailers.values())
    if not ours and not are_of_tests:
        yield _not_ours("MAILERS", f'MAILERS = {{"default": {{"BACKEND": "{_NAMES[0]}"}}}}')
    for alias, entry in ours.items():
        unknown = sorted(cast("dict[str, Any]", entry.get("OPTIONS", {})).keys() - _OPTIONS)
        if unknown:
            words = f"MAILERS[{alias!r}] has unknown OPTIONS: {', '.join(unknown)}."
            yield Error(words, hint=f"It may have: {', '.join(sorted(_OPTIONS))}.", id="mailstack.E004")


def _not_ours(name: str, example: str) -> CheckMessage:
    # Not an error: during a migration another backend sends.
    words = f"The setting {name} does not name the backend of mailstack, so Django's own mail does not go through it."
    return Warning(
        words, hint=f"Write {example}, or add mailstack.W001 to SILENCED_SYSTEM_CHECKS.", id="mailstack.W001"
    )


def _senders() -> "Iterator[CheckMessage]":
    for name in ("DEFAULT_FROM_EMAIL", "SERVER_EMAIL"):
        text = str(getattr(settings, name))
        if text not in _DEFAULTS and (problem := _address_problem(text)):
            yield Error(f"The setting {name} is not a sender: {problem}", hint=_SENDER, id="mailstack.E005")


def _sender_of_transport(found: Config) -> "Iterator[CheckMessage]":
    if found.transport and not found.has_stack and str(settings.DEFAULT_FROM_EMAIL) in _DEFAULTS:
        words = f"{SETTING} has TRANSPORT without STACK, and DEFAULT_FROM_EMAIL, the sender then, is not set."
        yield Error(words, hint="Write DEFAULT_FROM_EMAIL = 'Shop <no-reply@example.com>'.", id="mailstack.E014")


_SENDER = "Write 'Shop <no-reply@example.com>' with a domain that the stack sends from, or leave it out for its sender."


def _admins() -> "Iterator[CheckMessage]":
    for name in ("ADMINS", "MANAGERS"):
        for entry in cast("Iterable[object]", getattr(settings, name)):
            address = cast("tuple[object, ...]", entry)[-1] if isinstance(entry, tuple | list) else entry
            if problem := _address_problem(str(address)):
                words = f"An entry of the setting {name} is not an address: {problem}"
                yield Error(words, hint="Correct it; error mails to it are lost.", id="mailstack.E006")


def _address_problem(text: str) -> str:
    try:
        Address.parse(text)
    except InvalidAddress as error:
        return error.message
    return ""


def _store(found: Config) -> "Iterator[CheckMessage]":
    if not found.uses_django_store:
        return
    if find_spec("sqlalchemy") is None:
        words = f"{SETTING}['STORE'] is 'django', which needs the package SQLAlchemy."
        yield Error(words, hint=install_command("sql"), id="mailstack.E007")
    vendor = _vendor(found.database)
    if vendor not in _SUPPORTED:
        words = f"{SETTING}['STORE'] is 'django', and the database {found.database!r} is {vendor}."
        hint = "Use PostgreSQL or SQLite, or leave STORE out: the stack's table keeps the suppressions then."
        yield Error(words, hint=hint, id="mailstack.E008")
    if vendor == "postgresql" and find_spec("psycopg") is None:
        words = "The tables in Django's database are read with psycopg 3, which is not installed."
        yield Error(words, hint="pip install 'psycopg[binary]'; Django uses it, too.", id="mailstack.E009")


def _vendor(alias: str) -> str:
    from django.db import connections

    return connections[alias].vendor


def _paths(found: Config) -> "Iterator[CheckMessage]":
    for key, path in (("MAILER", found.mailer), ("TRANSPORT", found.transport), *_hooks(found)):
        if not path:
            continue
        try:
            import_string(path)
        except ImportError as error:
            hint = f"Write the path of something that can be imported: {error}"
            yield Error(f"{SETTING}[{key!r}] names {path!r}, which does not exist.", hint=hint, id="mailstack.E010")


def _hooks(found: Config) -> "Iterator[tuple[str, str]]":
    yield from (("HOOKS", path) for path in found.hooks)
    yield from (("FEEDBACK_HOOKS", path) for path in found.feedback_hooks)


def _streams(found: Config) -> "Iterator[CheckMessage]":
    """Whether the stack has the streams that are named, where its outputs are on this machine."""
    outputs, problem = _outputs(found, offline=True)
    if problem:
        yield problem
    if outputs is None:
        return
    for key, stream in _named(found):
        if stream not in outputs.streams:
            words = f"{key} names the stream {stream!r}, which the stack {outputs.stack!r} does not have."
            yield Error(words, hint=f"It has: {', '.join(sorted(outputs.streams))}.", id="mailstack.E011")


def _named(found: Config) -> "Iterator[tuple[str, str]]":
    if found.stream:
        yield f"{SETTING}['STREAM']", found.stream
    for stream in sorted(set(found.streams_by_sender.values())):
        yield f"{SETTING}['STREAMS_BY_SENDER']", stream
    for stream in sorted(found.unsubscribe_links.streams) if found.unsubscribe_links else ():
        yield f"{SETTING}['UNSUBSCRIBE']", stream
    for alias, entry in cast("dict[str, dict[str, Any]]", getattr(settings, "MAILERS", {})).items():
        stream = entry.get("OPTIONS", {}).get("stream") if entry.get("BACKEND") in _NAMES else None
        if stream:
            yield f"MAILERS[{alias!r}]", str(stream)


def _outputs(found: Config, *, offline: bool) -> "tuple[StackOutputs | None, CheckMessage | None]":
    """The stack's outputs; None where they are not known, and why where that is an error."""
    from mailer.django.process import VARIABLE as STACK
    from mailer.stack import LOCAL_SCHEME, VARIABLE, load

    named, given = found.stack or os.environ.get(STACK, ""), os.environ.get(VARIABLE, "").strip()
    if not found.has_stack or (given.startswith(LOCAL_SCHEME) and not found.outputs):
        return None, None
    if not (named or given or found.outputs):
        hint = f'Write {SETTING} = {{"STACK": "prod"}}, or set {STACK}.'
        return None, Error("No stack is named.", hint=hint, id="mailstack.E012")
    if offline and not (given or found.outputs):
        return None, None
    try:
        return load(named, outputs=found.outputs or None), None
    except MailerError as error:
        return None, Error(f"The stack's outputs: {error.message}", hint=error.hint, id="mailstack.E013")


# What looks at the setting itself, in the order of the problems.
_OF_SETTING = (_sender_of_transport, _store, _paths, _streams)


def check_database(databases: "Iterable[str] | None" = None, **_: object) -> list[CheckMessage]:
    """Whether the tables are there: `manage.py check --database default`, and `migrate`."""
    found, problems = read(getattr(settings, SETTING, None))
    if problems or not found.uses_django_store or found.database not in (databases or ()):
        return []
    from mailer.django.process import stores_of

    if not _is_migrated(found.database):
        return []
    try:
        stores_of(found).suppressions.get_many(["nobody@example.com"])
    except MailerError as error:
        words = f"The suppression list cannot be read: {error.message}"
        return [Warning(words, hint=error.hint or "Run manage.py migrate.", id="mailstack.W002")]
    return []


def _is_migrated(alias: str) -> bool:
    """Whether a migration of the tables was applied. Django reports those that are not, and `migrate` asks before."""
    from django.db import connections
    from django.db.migrations.recorder import MigrationRecorder

    return any(app == LABEL for app, _ in MigrationRecorder(connections[alias]).applied_migrations())


def check_stack(**_: object) -> list[CheckMessage]:
    """Everything that mail depends on in AWS and the DNS, such as identity and sandbox. With `--deploy` only."""
    from mailer.stack import LOCAL_SCHEME, VARIABLE

    found, problems = read(getattr(settings, SETTING, None))
    if problems or not found.has_stack:
        return []
    if not found.outputs and os.environ.get(VARIABLE, "").strip().startswith(LOCAL_SCHEME):
        return [Warning(_LOCAL, hint="Remove the variable in production.", id="mailstack.W003")]
    outputs, problem = _outputs(found, offline=False)
    if outputs is None:
        return [problem] if problem else []
    return [*_in_aws(outputs), *_domains(outputs)]


def _in_aws(outputs: "StackOutputs") -> "Iterator[CheckMessage]":
    """What `mailer doctor` finds."""
    from mailer.cli.doctor import lookup_of
    from mailer.doctor.check import Verdict
    from mailer.doctor.checks import CHECKS
    from mailer.doctor.run import examine
    from mailer.doctor.site import Site

    for result in examine(Site(outputs, lookup_of(), os.environ), CHECKS):
        name = result.check.name
        for problem in result.problems:
            hint = f"{problem.remedy[0].upper()}{problem.remedy[1:]} ({result.check.page})"
            yield Warning(f"{name}: {problem.found}", hint=hint, id="mailstack.W004")
        if result.verdict is Verdict.UNKNOWN:
            hint = f"Run `manage.py mailer_doctor --only {name}` with credentials that may ask ({result.check.page})."
            yield Warning(f"{name}: not known, because {result.why}", hint=hint, id="mailstack.W005")


def _domains(outputs: "StackOutputs") -> "Iterator[CheckMessage]":
    """Whether the senders in the settings are of the stack's domain."""
    for name in ("DEFAULT_FROM_EMAIL", "SERVER_EMAIL"):
        text = str(getattr(settings, name))
        domain = "" if text in _DEFAULTS or _address_problem(text) else Address.parse(text).domain
        if domain and not f".{domain}".endswith(f".{outputs.domain}"):
            words = f"The setting {name} has the domain {domain}, and the stack sends from {outputs.domain}."
            hint = f"Write an address of {outputs.domain}, or deploy a stack for {domain}."
            yield Warning(words, hint=hint, id="mailstack.W006")
