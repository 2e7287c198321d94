"""What is left of the old way: variables, credentials that still work, copies. It tries credentials, and shows none."""

from pathlib import Path
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError, CredentialsInvalid, MailerError, TransportError
from mailer.migrate.checklist import Look, State
from mailer.migrate.known import KNOWN, Home, Part
from mailer.migrate.old import OldMail, home_of, needs_no_fallback, old_mail
from mailer.migrate.setting import COMPUTED, as_text
from mailer.migrate.sources import read_sources
from mailer.migrate.writing import BACKUPS
from mailer.transports.smtp import SmtpTransport
from mailer.wire.deadline import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.migrate.checklist import Scene

_OLD = frozenset({Home.FALLBACK, Home.NOT_NEEDED})
_LIMITS = Limits(connect=5.0, attempt=10.0)
_SHOWN = 8
_MAX_COPIES = 100


def old_variables(scene: "Scene") -> Look:
    """The old settings are gone from the files and from the environment."""
    old = scene.plan.old
    left = [f"{one.setting.name} in {Path(one.setting.file).name}" for one in old.found if home_of(old, one) in _OLD]
    names = {name for name, known in KNOWN.items() if known.home in _OLD and known.part is not Part.OTHER}
    left += [f"{name} in the environment" for name in sorted(names & scene.environ.keys()) if scene.environ[name]]
    if not left:
        return Look(State.DONE)
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    remedy = "when SES has sent everything for some weeks, delete them and the fallback"
    return Look(State.OPEN, f"Left: {', '.join(left[:_SHOWN])}{more}.", remedy)


def fallback(scene: "Scene") -> Look:
    """The old server lets the application in."""
    old = scene.plan.old
    if not old.found or old.server is None or scene.plan.no_fallback:
        return Look(State.SKIPPED, scene.plan.no_fallback or "The old settings are gone.")
    return _tried(old)


def old_credentials(scene: "Scene") -> Look:
    """The old login and keys are refused."""
    if scene.plan.old.server and not scene.plan.no_fallback:
        return Look(State.SKIPPED, "The fallback needs them.")
    looks = [look for old in (scene.plan.old, *_copies(scene.folder)) for look in _refusals(old)]
    if not looks:
        words = "No file holds old credentials, so none can be tried. See in the provider's console that they are gone."
        return Look(State.SKIPPED, words)
    order = (State.OPEN, State.UNKNOWN, State.DONE)
    return min(looks, key=lambda look: order.index(look.state))


def copies(scene: "Scene") -> Look:
    """The copies of the old files, with their secrets, are deleted."""
    folder = scene.folder / BACKUPS
    if not folder.is_dir():
        return Look(State.DONE)
    return Look(State.OPEN, f"{BACKUPS}/ holds the old secrets.", f"at the end: rm -r {BACKUPS}")


def login_of(old: OldMail) -> tuple[str, str] | None:
    """User name and password of the old server; None where only the program knows them."""
    if old.provider:
        names = {one.setting.name.removeprefix("ANYMAIL['").removesuffix("']"): one.setting for one in old.found}
        user = old.provider.username
        held = [names.get(name) for name in (user.strip("{}"), old.provider.password)]
        values = [as_text(one.value) if one and one.value is not COMPUTED else "" for one in held]
        login = (values[0] if user.startswith("{") else user, values[1])
    else:
        login = (old.text(Part.USERNAME), old.text(Part.PASSWORD))
    return login if all(login) else None


def _tried(old: OldMail) -> Look:
    """Log in to the old server, and send nothing."""
    server, login = old.server, login_of(old)
    if server is None or not server.host or (server.has_login and login is None):
        words = "Only the program knows the server or its login."
        return Look(State.UNKNOWN, words, "run the command where the variables are set, or name the .env file")
    username, password = login if login and server.has_login else ("", "")
    try:
        transport = SmtpTransport(
            server.host,
            server.port or None,
            security=server.security,
            username=username,
            password=password,
            limits=_LIMITS,
        )
        transport.log_in()
    except CredentialsInvalid as error:
        return Look(State.OPEN, error.message, error.hint)
    except (TransportError, ConfigurationError) as error:
        return Look(State.UNKNOWN, f"{server.host}: {error.message}", error.hint)
    return Look(State.DONE, f"{server.host} takes the login." if username else f"{server.host} answers.")


def _refusals(old: OldMail) -> "Iterator[Look]":
    """The credentials of the old way, each tried: what should be refused."""
    if old.server and old.server.has_login and (needs_no_fallback(old) == "" or old.ses_region):
        seen = _tried(old)
        if seen.state is State.DONE:
            words = f"{old.server.host} still takes the old login."
            yield Look(State.OPEN, words, "delete the login at the provider, or change its password")
        else:
            yield Look(State.DONE, "The server refuses the old login.") if seen.state is State.OPEN else seen
    keys = [
        next((as_text(one.setting.value) for one in old.found if _is_own_key(one.known.part, one.known.home, part)), "")
        for part in (Part.ACCESS_KEY, Part.SECRET_KEY)
    ]
    if all(keys):
        yield _key(keys[0], keys[1], old.region or "us-east-1")


def _is_own_key(part: Part, home: Home, wanted: Part) -> bool:
    """Whether it is a key that mail alone uses."""
    return part is wanted and home is Home.NOT_NEEDED


def _key(identifier: str, secret: str, region: str) -> Look:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html needs no permission."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=5, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    try:
        client = boto3.client(
            "sts", region_name=region, aws_access_key_id=identifier, aws_secret_access_key=secret, config=config
        )
        client.get_caller_identity()
    except ClientError as error:
        # https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
        code = error.response.get("Error", {}).get("Code", "")
        if code in {"InvalidClientTokenId", "UnrecognizedClientException"}:
            return Look(State.DONE, "AWS refuses the old access key.")
        return Look(State.UNKNOWN, f"AWS answered {code}.")
    except BotoCoreError as error:
        return Look(State.UNKNOWN, f"AWS did not answer: {type(error).__name__}.")
    return Look(State.OPEN, "AWS still takes the old access key.", "delete it: aws iam delete-access-key")


def _copies(folder: Path) -> "Iterator[OldMail]":
    """The settings in the copies that `--write` made."""
    for path in sorted((folder / BACKUPS).glob("*"))[:_MAX_COPIES]:
        if path.is_file() and path.name != ".gitignore":
            # A copy is `.env`, `.env.2`, `settings.py`, `settings.py.2`.
            try:
                yield old_mail(read_sources([path.name], path.parent).settings)
            except MailerError:
                continue
