"""A stack that is no stack: outputs, transport and store for work without AWS, and the address that names them."""

from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from mailer.address import Address
from mailer.errors import ConfigurationError
from mailer.stack import LOCAL_SCHEME, VARIABLE, StackOutputs, Stream

if TYPE_CHECKING:
    from collections.abc import Iterable

STREAMS = ("transactional", "marketing")
SENDER = "Example <no-reply@example.test>"
FOLDER = "mails"
_REGION, _ACCOUNT = "us-east-1", "000000000000"
_HINT = f"Write {VARIABLE}={LOCAL_SCHEME}///path/of/a/folder?streams=transactional,news&sender=shop@example.test"


@dataclass(frozen=True, slots=True)
class Place:
    """Where local mail goes.

    Attributes:
        folder: The folder of the files.
        streams: The names of the streams; the first is the default.
        sender: The default From address.
    """

    folder: str = FOLDER
    streams: tuple[str, ...] = STREAMS
    sender: str = SENDER

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read `local:`, `local:///folder` or `local:folder?streams=a,b&sender=c`.

        Raises:
            ConfigurationError: It names a host or an unknown setting.

        Example:
            >>> Place.parse("local:///tmp/mails?streams=transactional,news").streams
            ('transactional', 'news')
        """
        found = urlsplit(text)
        given = parse_qs(found.query, keep_blank_values=True)
        unknown = sorted(given.keys() - {"streams", "sender"})
        if found.scheme != LOCAL_SCHEME.rstrip(":") or found.netloc or found.fragment or unknown:
            raise ConfigurationError(f"{text[:200]!r} is not a place for local mail.", hint=_HINT)
        streams = tuple(one.strip() for one in ",".join(given.get("streams", [])).split(",") if one.strip())
        sender = "".join(given.get("sender", []))
        return cls(unquote(found.path) or FOLDER, streams or STREAMS, sender or SENDER)


def local_outputs(stack: str, streams: "Iterable[str]", sender: str) -> StackOutputs:
    """The outputs of a stack that is on this machine alone. Nothing that they name exists."""
    names = tuple(dict.fromkeys(streams))
    if not names:
        raise ConfigurationError("Local mail needs a stream.", hint='Pass streams=("transactional",).')
    domain, prefix = Address.parse(sender).domain, f"mailstack-{stack}"
    arns = {service: f"arn:aws:{service}:{_REGION}:{_ACCOUNT}:" for service in ("ses", "sns", "dynamodb")}
    return StackOutputs(
        stack=stack,
        region=_REGION,
        account_id=_ACCOUNT,
        domain=domain,
        identity_arn=f"{arns['ses']}identity/{domain}",
        mail_from_domain="",
        sender=sender,
        streams={
            name: Stream(
                configuration_set=f"{prefix}-{name}",
                configuration_set_arn=f"{arns['ses']}configuration-set/{prefix}-{name}",
            )
            for name in names
        },
        default_stream=names[0],
        table=prefix,
        table_arn=f"{arns['dynamodb']}table/{prefix}",
        events_topic_arn=f"{arns['sns']}{prefix}-events",
        paging_topic_arn=f"{arns['sns']}{prefix}-paging",
        feedback_queue_url="",
        feedback_dlq_url="",
        feedback_function="",
        guard_function="",
        sender_policy_arn="",
    )


def folder_of(place: str | Path) -> Path:
    """The absolute folder of the files."""
    return Path(place).expanduser().absolute()


def place_from_environment() -> Place | None:
    """The folder that `MAILSTACK_OUTPUTS` names for local mail; None if it names none."""
    value = environ.get(VARIABLE, "").strip()
    return Place.parse(value) if value.startswith(LOCAL_SCHEME) else None
