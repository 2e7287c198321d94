"""The steps of a move, in order. Each is ticked by looking."""

import re
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError
from mailer.migrate.checklist import Look, State, Step, by_doctor
from mailer.migrate.known import Part
from mailer.migrate.leftovers import copies, fallback, old_credentials, old_variables
from mailer.migrate.old import addresses
from mailer.migrate.setting import as_text
from mailer.migrate.sources import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.migrate.checklist import Scene

# The checks of `mailer doctor` that the steps ask.
DNS = ("dkim-records", "mx-record", "spf-record", "dmarc-record")
IDENTITY = ("identity", "dkim", "mail-from")
FEEDBACK = ("event-destinations", "events-topic", "events-subscription", "feedback-queue", "feedback-function", "table")
ALARMS = ("alarms", "pagers", "guard")
ACCESS = ("credentials", "sender-policy", "roles")
PRODUCTION = ("sandbox", "enforcement")
CHECKS = frozenset({*DNS, *IDENTITY, *FEEDBACK, *ALARMS, *ACCESS, *PRODUCTION})
_KEY = re.compile(r"^ +[\"']?(mailstack:domain|mailstack:address|mailstack:page|aws:region)[\"']?:", re.MULTILINE)
_BACKEND = "mailer.django.EmailBackend"
_SHARE = "MAILSTACK_SHARE"


def _stack_settings(scene: "Scene") -> Look:
    path = scene.folder / f"Pulumi.{scene.stack}.yaml"
    if scene.outputs is not None and not path.is_file():
        return Look(State.DONE, "The stack is deployed; its file is elsewhere.")
    if not path.is_file():
        return Look(State.OPEN, f"There is no {path.name} here.", f"mailer migrate --stack {scene.stack} --write")
    keys = set(_KEY.findall(text_of(path)))
    missing = [key for key in ("aws:region", "mailstack:domain", "mailstack:page") if key not in keys]
    if "mailstack:address" in keys and "mailstack:domain" in missing:
        missing.remove("mailstack:domain")
    if missing:
        return Look(State.OPEN, f"{path.name} lacks {', '.join(missing)}.", "fill them in: docs/reference/settings.md")
    return Look(State.DONE)


def _stack(scene: "Scene") -> Look:
    if scene.outputs is None:
        return Look(State.OPEN, scene.no_outputs, f"pulumi up --stack {scene.stack} (docs/guides/deploying.md)")
    return Look(State.DONE)


def _settings(scene: "Scene") -> Look:
    held = {one.name: one.value for one in scene.sources.settings}
    if scene.plan.old.is_django or "EMAIL_BACKEND" in held:
        backends = (as_text(held.get("EMAIL_BACKEND")), repr(held.get("MAILERS")))
        if any(_BACKEND in text for text in backends) and "MAILSTACK" in held:
            return Look(State.DONE)
        words = "The backend of Django is not that of mailstack, or MAILSTACK is missing."
    else:
        if "MAILSTACK_STACK" in held or scene.environ.get("MAILSTACK_STACK") or scene.environ.get("MAILSTACK_OUTPUTS"):
            return Look(State.DONE)
        words = "No file and no variable names the stack."
    return Look(State.OPEN, words, f"mailer migrate --stack {scene.stack} --write")


def _senders(scene: "Scene") -> Look:
    if scene.outputs is None:
        return Look(State.UNKNOWN, "It needs the stack's outputs.")
    identity = scene.outputs.identity.lower()
    wrong = [
        email for email in _emails(scene) if email != identity and not email.endswith((f"@{identity}", f".{identity}"))
    ]
    if wrong:
        words = f"{', '.join(wrong[:5])}: SES lets the stack send from {identity} only."
        return Look(State.OPEN, words, "change the sender, or verify its domain by another stack")
    return Look(State.DONE)


def _emails(scene: "Scene") -> "Iterator[str]":
    old = scene.plan.old
    for part in (Part.SENDER, Part.OTHER_SENDER):
        yield from (one.email.lower() for one in addresses(old.values(part)))


def _suppressions(scene: "Scene") -> Look:
    if scene.missing is None:
        words = "Name the old list: --suppressions FILE. An SMTP server keeps none; providers and django-ses do."
        has_list = scene.plan.old.provider is not None or scene.plan.old.system == "django-ses"
        return Look(State.UNKNOWN if has_list else State.SKIPPED, words)
    missing, whole = scene.missing
    if missing:
        words = f"{missing} of {whole} addresses of the old list are not suppressed."
        return Look(State.OPEN, words, f"mailer suppressions import FILE --stack {scene.stack}")
    return Look(State.DONE, f"All {whole} addresses are suppressed.")


def _sent(scene: "Scene") -> Look:
    if scene.sent is None:
        return Look(State.UNKNOWN, "AWS did not say how many mails left.")
    if not scene.sent:
        words = "No mail left through SES in the last 24 hours."
        return Look(State.OPEN, words, "send one: mailer send --help")
    return Look(State.DONE, f"{scene.sent:,.0f} recipients in the last 24 hours.")


def _share(scene: "Scene") -> Look:
    held = {one.name: one.value for one in scene.sources.settings}
    text = as_text(held.get(_SHARE)) or scene.environ.get(_SHARE, "") or "1"
    try:
        share = float(text)
    except ValueError as error:
        words = f"{_SHARE} is {text[:40]!r}, which is no number."
        raise ConfigurationError(words, hint="Write a number from 0 to 1.") from error
    if share >= 1:
        return Look(State.DONE)
    words = f"{_SHARE} is {share:g}: the rest of the mail goes through the old server."
    return Look(State.OPEN, words, f"raise it step by step: mailer migrate --stack {scene.stack} --write --share 1")


STEPS = (
    Step("stack-settings", "The stack's settings are written.", "docs/reference/settings.md", _stack_settings),
    Step("stack", "The stack is deployed, and its outputs are found.", "docs/guides/deploying.md", _stack),
    Step(
        "identity",
        "SES has verified the domain, its DKIM keys and MAIL FROM.",
        "docs/guides/dns.md",
        by_doctor(*IDENTITY),
    ),
    Step("dns", "DKIM, MAIL FROM, SPF and DMARC are in the DNS.", "docs/guides/dns.md", by_doctor(*DNS)),
    Step(
        "production",
        "The account is out of the sandbox.",
        "docs/guides/operations.md",
        by_doctor(*PRODUCTION, strict=True),
    ),
    Step("senders", "Every From address belongs to the stack.", "docs/reference/settings.md", _senders),
    Step("access", "The application may send.", "docs/guides/access.md", by_doctor(*ACCESS)),
    Step("feedback", "Bounces and complaints arrive.", "docs/guides/feedback.md", by_doctor(*FEEDBACK)),
    Step("alarms", "Alarms reach a person.", "docs/guides/monitoring.md", by_doctor(*ALARMS)),
    Step("suppressions", "The old suppressions are imported.", "docs/guides/suppressions.md", _suppressions),
    Step("fallback", "The old server takes mail where SES does not.", "docs/guides/smtp.md#failover", fallback),
    Step("settings", "The application has its new settings.", "docs/guides/migration.md", _settings),
    Step("sent", "Mail leaves through SES.", "docs/guides/sending.md", _sent),
    Step("share", "All mail goes through SES first.", "docs/guides/migration.md", _share),
    Step("old-variables", "The old variables are gone.", "docs/guides/migration.md", old_variables),
    Step("old-credentials", "The old credentials are refused.", "docs/guides/migration.md", old_credentials),
    Step("copies", "The copies of the old files are deleted.", "docs/guides/migration.md", copies),
)
