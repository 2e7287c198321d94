"""The new settings of the application as text: blocks for its settings file and for `.env`, and a module.

The module has the function that creates the mailer with its fallback. No secret is in them: they name the old settings.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mailer.migrate.block import BEGIN, END
from mailer.migrate.known import Part

if TYPE_CHECKING:
    from mailer.migrate.old import OldMail
    from mailer.migrate.plan import Plan
    from mailer.migrate.setting import Setting

MODULE = "mailstack_migration"
_URL_PART = re.compile(r"(?P<url>[A-Z_]+): EMAIL_\w+\Z")
_ENVIRON, _DJANGO = "settings", "django"
_HELD = (
    '"""Mail through Amazon SES, with the old SMTP server as the fallback. Written by `mailer migrate`.\n'
    "\n"
    "MAILSTACK_SHARE, from 0 to 1, is the share of recipients whose mail goes through SES. Mail of the templates that\n"
    "MAILSTACK_TEMPLATES names goes there, whatever the share. {end}\n"
    '"""\n'
)
_FUNCTION = '''
    """SES; the SMTP server for the rest of the share, and where SES surely did not accept a message."""
    outputs = load({environ}.get("MAILSTACK_STACK", "{stack}"))
    smtp = SmtpTransport(
{arguments}    )
    ses = Failover(SesTransport(outputs), smtp)
    share = float({environ}.get("MAILSTACK_SHARE", "{share}"))
    templates = {environ}.get("MAILSTACK_TEMPLATES", "{templates}").replace(",", " ").split()
    return Mailer(outputs, transport=Split(smtp, ses, share=share, templates=templates))
'''
# Parts of a message that SMTP cannot carry, and that SES gets all the same.
_IGNORED = '("tags", "tenant", "track_opens", "track_clicks")'


class Choice(NamedTuple):
    """What the person chose.

    Attributes:
        stack: The stack's name.
        share: The share of recipients whose mail goes through SES, as text.
        templates: Names of templates whose mail does, whatever the share.
    """

    stack: str
    share: str
    templates: tuple[str, ...]


def django_block(plan: "Plan", module: str, choice: Choice, *, has_app: bool) -> str:
    """The lines for the settings file of Django.

    Args:
        plan: The plan.
        module: The dotted name of the module with `create_mailer`.
        choice: What the person chose.
        has_app: Whether `mailer.django` is in `INSTALLED_APPS` already.
    """
    lines = [f"{BEGIN}. Written by `mailer migrate`. What stands above is kept for the fallback."]
    if not has_app:
        lines.append('INSTALLED_APPS = [*INSTALLED_APPS, "mailer.django"]')
    if _has_mailers(plan.old):
        new = '"default": {"BACKEND": "mailer.django.EmailBackend"}'
        lines.append(f'MAILERS = {{**MAILERS, {new}, "smtp": MAILERS["{_alias(plan.old)}"]}}')
    else:
        lines.append('EMAIL_BACKEND = "mailer.django.EmailBackend"')
    given = {"STACK": choice.stack} if plan.no_fallback else {"MAILER": f"{module}.create_mailer"}
    (key, value) = next(iter(given.items()))
    lines += [f'MAILSTACK = {{"{key}": "{value}"}}', END]
    return "\n".join(lines) + "\n"


def env_block(plan: "Plan", choice: Choice) -> str:
    """The lines for a `.env` file."""
    lines = [f"{BEGIN}. Written by `mailer migrate`.", f"MAILSTACK_STACK={choice.stack}"]
    if not plan.no_fallback:
        lines += [f"MAILSTACK_SHARE={choice.share}", f'MAILSTACK_TEMPLATES="{" ".join(choice.templates)}"']
    return "\n".join([*lines, END]) + "\n"


def module_text(plan: "Plan", choice: Choice) -> str:
    """The module with `create_mailer`; empty where there is no fallback."""
    if plan.no_fallback:
        return ""
    is_django = plan.old.is_django
    arguments = "".join(f"        {one},\n" for one in _arguments(plan.old))
    function = _FUNCTION.format(
        arguments=arguments,
        environ="os.environ" if is_django else _ENVIRON,
        stack=choice.stack,
        share=choice.share,
        templates=" ".join(choice.templates),
    )
    if is_django:
        end = f'Delete this file at the end: MAILSTACK = {{"STACK": "{choice.stack}"}}.'
        imports = "import os\n\nfrom django.conf import settings\n"
        head = "def create_mailer() -> Mailer:"
    else:
        end = f'Delete this file at the end: Mailer.from_stack("{choice.stack}").'
        imports = "import os\nfrom collections.abc import Mapping\n"
        imports += "from urllib.parse import unquote, urlsplit\n\n" if _url_name(plan.old) else "\n"
        head = "def create_mailer(settings: Mapping[str, str] = os.environ) -> Mailer:"
    public = "from mailer import Failover, Mailer, SesTransport, SmtpTransport, Split, load\n"
    return _HELD.format(end=end) + f"\n{imports}{public}\n\n{head}" + function


def _arguments(old: "OldMail") -> list[str]:
    """The arguments of `SmtpTransport`."""
    server = old.server
    assert server  # noqa: S101 - there is a fallback
    url = "" if old.is_django else _url_name(old)
    if old.provider:
        host, port = repr(server.host), str(server.port)
        login = (_of_provider(old, old.provider.username), _setting(old, f"ANYMAIL[{old.provider.password!r}]"))
    elif url:
        parts = f'urlsplit(settings["{url}"])'
        host, port = f'{parts}.hostname or ""', f"{parts}.port"
        login = tuple(f'unquote({parts}.{name} or "")' for name in ("username", "password"))
    else:
        host = _of_part(old, Part.HOST)
        port = f"int({_of_part(old, Part.PORT)})" if old.first(Part.PORT) else ""
        login = (_of_part(old, Part.USERNAME), _of_part(old, Part.PASSWORD)) if server.has_login else ()
    keys = (f"{name}={value}" for name, value in zip(("username", "password"), login, strict=False))
    return [*filter(None, (host, port, f'security="{server.security}"')), *keys, f"ignore={_IGNORED}"]


def _of_part(old: "OldMail", part: Part) -> str:
    found = old.first(part)
    return _code(old, found) if found else '""'


def _of_provider(old: "OldMail", text: str) -> str:
    """A user name, or the setting that a name in braces stands for."""
    return _setting(old, f"ANYMAIL[{text[1:-1]!r}]") if text.startswith("{") else f'"{text}"'


def _setting(old: "OldMail", name: str) -> str:
    """A key of `ANYMAIL`, or the setting of its own that anymail takes, too."""
    bare = name[9:-2]
    held = {one.setting.name for one in old.found}
    if name in held or not held & {bare, f"ANYMAIL_{bare}"}:
        return f'settings.ANYMAIL["{bare}"]'
    return f"settings.{bare if bare in held else f'ANYMAIL_{bare}'}"


def _code(old: "OldMail", one: "Setting") -> str:
    """How the program reads a setting."""
    if not old.is_django:
        return f'settings["{one.variable or one.name}"]'
    if one.name.startswith("MAILERS["):
        key = one.name.rpartition("['")[2].removesuffix("']")
        return f'settings.MAILERS["smtp"]["OPTIONS"]["{key}"]'
    of_url = _URL_PART.match(one.name)
    return f"settings.{one.name[len(of_url['url']) + 2 :] if of_url else one.name}"


def _url_name(old: "OldMail") -> str:
    """The URL that holds the server; empty without."""
    found = old.first(Part.HOST)
    of_url = _URL_PART.match(found.name) if found else None
    return of_url["url"] if of_url else ""


def _has_mailers(old: "OldMail") -> bool:
    return any(one.setting.name.startswith("MAILERS[") for one in old.found)


def _alias(old: "OldMail") -> str:
    """The mailer of Django that goes through the old server."""
    found = old.first(Part.HOST) or old.first(Part.BACKEND)
    return found.name.split("'")[1] if found and found.name.startswith("MAILERS['") else "default"


def module_place(settings: Path) -> tuple[Path, str]:
    """Where the module goes, and its dotted name: beside the settings, or beside the package that holds them."""
    folder = settings.parent.parent if settings.parent.name == "settings" else settings.parent
    names = [MODULE]
    place = folder
    while (place / "__init__.py").is_file() and place.name.isidentifier():
        names.insert(0, place.name)
        place = place.parent
    return folder / f"{MODULE}.py", ".".join(names)
