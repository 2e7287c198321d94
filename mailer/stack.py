"""The contract: what a stack exports and what the library reads. Written by `infra/`, found here.

Not for deciding anything: values only, and the places where they are looked for.
"""

import json
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mailer.address import Address
from mailer.domain import ascii_domain
from mailer.errors import InvalidAddress, StackNotFound, StackOutputsInvalid
from mailer.redaction import mask_all, raise_masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.wire.access import Access

VERSION = 1
VARIABLE = "MAILSTACK_OUTPUTS"
# What the variable's value begins with where mail stays on this machine; see `Mailer.local`.
LOCAL_SCHEME = "local:"
# Systems Manager's standard tier, which is free, and its advanced one. https://docs.aws.amazon.com/general/latest/gr/ssm.html
MAX_PARAMETER_CHARACTERS, MAX_ADVANCED_CHARACTERS = 4096, 8192
# Of a value that is shown in an error message.
MAX_SHOWN = 200
_WRITES = "`pulumi stack output outputs --json > outputs.json` writes them."


def parameter_name(stack: str) -> str:
    """The Systems Manager parameter that a stack writes its outputs to.

    Example:
        >>> parameter_name("prod")
        '/mailstack/prod/outputs'
    """
    return f"/mailstack/{stack}/outputs"


def tenant_name(stack: str, tenant: str) -> str:
    """What SES calls a tenant of a stack: several stacks of an account may have one of the same name.

    Example:
        >>> tenant_name("prod", "acme")
        'mailstack-prod-acme'
    """
    return f"mailstack-{stack}-{tenant}"


def critical_alarm(stream: str, kind: str) -> str:
    """The name, without the prefix `mailstack-<stack>-`, of the alarm that makes the guard pause a stream.

    Args:
        stream: The stream's name.
        kind: `bounce` or `complaint`.

    Example:
        >>> critical_alarm("transactional", "bounce")
        'transactional-bounce-rate-critical'
    """
    return f"{stream}-{kind}-rate-critical"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DnsRecord(_Frozen):
    """One DNS record set. Names have no trailing dot; TXT values carry no outer quotes."""

    name: str
    type: Literal["CNAME", "MX", "TXT"]
    values: tuple[str, ...] = Field(min_length=1)
    ttl: int = Field(default=600, gt=0, description="Seconds.")


class Stream(_Frozen):
    """One kind of mail with a reputation of its own: an SES configuration set."""

    configuration_set: str = Field(description="The configuration set's name.")
    configuration_set_arn: str


class WarmUp(_Frozen):
    """The plan of a new domain: a ceiling of recipients in 24 hours, which rises day by day.

    `mailer.sending.warm_up` computes the days; a plan with `growth` 1.5 rises by half a day.
    """

    starts: date = Field(description="The first day, in UTC.")
    first: int = Field(default=200, ge=1, description="Recipients on the first day.")
    growth: float = Field(default=1.5, ge=1.05, le=3, description="Each day allows so many times as many as the last.")
    target: int = Field(default=50_000, ge=1, description="The plan ends when a day would allow as many.")


def _stream(name: str, given: object, stack: str, identity_arn: str) -> object:
    """A stream with what is not said of it: the names that a stack gives by itself."""
    if not isinstance(given, dict):
        return given
    said = cast("dict[str, object]", given)
    called = said.get("configuration_set", f"mailstack-{stack}-{name}")
    place = identity_arn.partition(":identity/")[0]
    return {"configuration_set": called, "configuration_set_arn": f"{place}:configuration-set/{called}", **said}


class StackOutputs(_Frozen):
    """Everything that the library needs to know of a deployed environment.

    `to_json` and `from_json` are the only two ways across the boundary; a version that this library does not read is an
    error, never a guess.
    """

    version: Literal[1] = VERSION
    stack: str = Field(description="The Pulumi stack's name, which is the environment's: dev, prod, local.")
    region: str
    account_id: str
    domain: Annotated[str, AfterValidator(ascii_domain)] = Field(
        description="The domain that mail is sent from; the SES identity, or a single address's domain."
    )
    identity_arn: str
    mail_from_domain: str = Field(description="Empty where the identity is a single address.")
    sender: str = Field(description="Default From address, with an optional display name.")
    brand: dict[str, Any] = Field(default={}, description="The fields of `Brand` that are set; empty without.")
    streams: dict[str, Stream] = Field(min_length=1, description="By name; `default_stream` is one of them.")
    default_stream: str = "transactional"
    endpoint_id: str = Field(default="", description="The multi-region endpoint that mail goes through; empty without.")
    table: str = Field(description="DynamoDB table: suppressions and processed events.")
    table_arn: str
    message_log_days: int = Field(default=0, ge=0, description="How long the message log is kept; 0 without one.")
    warm_up: WarmUp | None = Field(default=None, description="How many recipients a day, at first; None without.")
    bulk: bool = Field(default=False, description="Whether the sender policy allows `SendBulkEmail`.")
    events_topic_arn: str
    paging_topic_arn: str
    feedback_queue_url: str
    feedback_dlq_url: str
    feedback_function: str
    guard_function: str
    sender_policy_arn: str = Field(description="Attach it to the role that your application runs as.")
    roles: dict[str, str] = Field(default={}, description="ARNs of the roles that have it, by name: ecs, lambda, …")
    smtp_secret: str = Field(default="", description="The secret that holds the SMTP user's login; empty without one.")
    dns_records: tuple[DnsRecord, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, data: object) -> object:
        """What `to_json` leaves out of the streams, for it follows from the rest."""
        if not isinstance(data, dict):
            return data
        given = cast("dict[str, Any]", data)
        streams = given.get("streams")
        if not isinstance(streams, dict) or not {"stack", "identity_arn"} <= given.keys():
            return given
        known = cast("dict[str, object]", streams)
        filled = {
            name: _stream(name, stream, str(given["stack"]), str(given["identity_arn"]))
            for name, stream in known.items()
        }
        return {**given, "streams": filled}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.default_stream not in self.streams:
            raise ValueError(
                f"default_stream is {self.default_stream!r}, which is not one of {', '.join(sorted(self.streams))}"
            )
        try:
            Address.parse(self.sender)
        except InvalidAddress as error:
            raise ValueError(f"sender: {error}") from error
        return self

    @property
    def identity(self) -> str:
        """The name of the SES identity: the domain, or the single address that mail is sent from."""
        return self.identity_arn.partition(":identity/")[2]

    @property
    def default_configuration_set(self) -> str:
        """The configuration set of the default stream."""
        return self.streams[self.default_stream].configuration_set

    def to_json(self) -> str:
        """Compact JSON that fits into one Systems Manager parameter; values that follow from others are omitted."""
        said = {"version": self.version, "default_stream": self.default_stream}
        written = {**said, **self.model_dump(mode="json", exclude_defaults=True)}
        written["streams"] = {name: self._own(name, stream) for name, stream in self.streams.items()}
        return json.dumps(written, separators=(",", ":"), ensure_ascii=False)

    def _own(self, name: str, stream: Stream) -> dict[str, str]:
        """The fields of a stream that do not follow from its name."""
        said = {"configuration_set": stream.configuration_set}
        for less in ({}, said):
            if _stream(name, less, self.stack, self.identity_arn) == stream.model_dump():
                return less
        return stream.model_dump()

    @classmethod
    def from_json(cls, text: str, *, source: str) -> "StackOutputs":
        """Read what a stack wrote.

        Args:
            text: The JSON.
            source: Where it came from, for the error message.

        Raises:
            StackOutputsInvalid: It is not JSON, or not outputs of a version that this library reads.
        """
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - not every program is checked
            raise StackOutputsInvalid(f"{source} is {type(text).__name__}, not text.", hint="Pass the JSON as a str.")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise StackOutputsInvalid(f"{source} is not JSON: {error}.", hint=_WRITES) from error
        found = cast("dict[str, object]", data).get("version") if isinstance(data, dict) else None
        if found != VERSION:
            raise StackOutputsInvalid(
                f"{source} contains outputs of version {found!r}; this library reads version {VERSION}.",
                hint="Deploy the stack and install the library from the same release.",
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise StackOutputsInvalid(f"{source} is not the outputs of a stack: {problems}.", hint=_WRITES) from error
        except ValueError as error:  # half of a surrogate pair, which cannot be encoded
            raise StackOutputsInvalid(f"{source} is not the outputs of a stack: {error}.", hint=_WRITES) from error


def load(
    stack: str,
    *,
    outputs: StackOutputs | str | Path | None = None,
    environ: "Mapping[str, str] | None" = None,
    access: "Access | None" = None,
) -> StackOutputs:
    """Load the outputs of a stack: from the argument, `MAILSTACK_OUTPUTS` or the stack's Systems Manager parameter.

    Args:
        stack: The name of the stack. May be empty if one of the first two places has outputs.
        outputs: The outputs, their JSON, or the path of a file with it.
        environ: Environment variables. Default: those of the process.
        access: The credentials to read the parameter with. Default: what boto3 finds by itself.

    Raises:
        StackNotFound: None of the three places has outputs, or they belong to another stack.
        StackOutputsInvalid: The outputs cannot be read.
    """
    environ = os.environ if environ is None else environ
    found = _from_argument(outputs) or _from_environment(environ)
    if not found and not stack:
        raise StackNotFound("No stack is named.", hint=f"Name one, or set {VARIABLE} to its outputs.")
    found = found or _from_parameter(stack, access)
    if stack and found.stack != stack:
        raise StackNotFound(
            f"The outputs are of stack {found.stack!r}, not of {stack!r}.",
            hint=f"Ask for {found.stack!r}, or point {VARIABLE} at the right file.",
        )
    return found


def _from_argument(outputs: StackOutputs | str | Path | None) -> StackOutputs | None:
    if outputs is None or isinstance(outputs, StackOutputs):
        return outputs
    if not isinstance(outputs, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance] - not every program is checked
        given = type(outputs).__name__
        raise StackOutputsInvalid(
            f"The outputs argument is of type {given}.", hint="Pass StackOutputs, JSON or a path."
        )
    return _from_text_or_file(outputs, source="The outputs argument")


def _from_environment(environ: "Mapping[str, str]") -> StackOutputs | None:
    value = environ.get(VARIABLE, "").strip()
    return _from_text_or_file(value, source=VARIABLE) if value else None


def _from_text_or_file(value: str | Path, *, source: str) -> StackOutputs:
    if isinstance(value, str) and value.startswith(LOCAL_SCHEME):
        raise StackNotFound(
            f"{source} names a folder for local mail, and no stack.",
            hint="Mailer.from_stack understands it. Give the outputs of a stack for anything else.",
        )
    if isinstance(value, str) and value.lstrip().startswith(("{", "[", '"')):
        return StackOutputs.from_json(value, source=source)
    try:
        text = Path(value).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # the latter for bytes that are no text, and for a NUL in the path
        named = str(value) if len(str(value)) <= MAX_SHOWN else f"{str(value)[:MAX_SHOWN]}…"
        named = named if named.isprintable() else repr(named)
        raise StackNotFound(
            f"{source} names the file {named}, which cannot be read: {getattr(error, 'strerror', None) or error}.",
            hint=_WRITES,
        ) from error
    return StackOutputs.from_json(text, source=str(value))


def _from_parameter(stack: str, access: "Access | None") -> StackOutputs:
    from mailer.wire.client import SSM, WireApi
    from mailer.wire.deadline import Limits
    from mailer.wire.errors import WireError
    from mailer.wire.retry import ask

    name = parameter_name(stack)
    # AWS_REGION is what every other SDK reads; boto3 knows AWS_DEFAULT_REGION and the profile's alone.
    region = os.environ.get("AWS_REGION") or None
    api = WireApi(SSM, region, Limits(connect=5.0, attempt=10.0), access)
    try:
        answer = ask(api, "GetParameter", {"Name": name})
        value = cast("Mapping[str, str]", answer["Parameter"])["Value"]
    except (WireError, LookupError, TypeError) as error:
        why = mask_all(str(error)).rstrip(".")
        words = f"No outputs of stack {stack!r}: {VARIABLE} is not set, and reading the parameter {name} failed: {why}."
        raise_masked(StackNotFound(words, hint=_hint(error, stack)), error)
    finally:
        api.close()
    return StackOutputs.from_json(value, source=f"The parameter {name}")


# On a developer's machine, where the variable was forgotten more often than AWS.
_WITHOUT_AWS = f", or without AWS {VARIABLE}=local:mails, which writes mail into files."
# What to do next, by a part of AWS's code or of the exception's name; the first that fits.
_HINTS = (
    ("ParameterNotFound", "Run `pulumi up --stack {stack}`, and check AWS_REGION: the stack's region holds it."),
    ("AccessDenied", "Attach the stack's sender policy to the role; it allows reading the parameter."),
    ("Expired", "The AWS credentials have expired: run `aws sso login`, or start a new session."),
    ("Credential", f"There are no AWS credentials: set AWS_PROFILE, or give the process a role{_WITHOUT_AWS}"),
    ("Profile", "Check AWS_PROFILE: ~/.aws/config has no such profile."),
    ("Region", f"Set AWS_REGION to the stack's region{_WITHOUT_AWS}"),
    ("SSO", "Renew the AWS credentials: `aws sso login`."),
    ("Token", "Renew the AWS credentials: `aws sso login`, or a new session."),
    ("UnrecognizedClient", "AWS does not know these credentials: `aws sts get-caller-identity` shows which are used."),
    ("Signature", "Check this machine's clock and the secret access key."),
    ("Skewed", "Set this machine's clock."),
    ("NotWritten", "Check the network, a proxy and AWS_REGION; behind a proxy's own certificate, set AWS_CA_BUNDLE."),
    ("AnswerLost", "Check the network, a proxy and AWS_REGION."),
    ("Throttl", "Try again in a few seconds."),
    ("ValueError", "Check AWS_ENDPOINT_URL."),
    ("", "Run `pulumi up --stack {stack}`, check AWS_REGION and credentials, or set {variable}."),
)


def _hint(error: Exception, stack: str) -> str:
    code = getattr(error, "code", "") or type(error).__name__
    hint = next(hint for part, hint in _HINTS if part in code)
    return hint.format(stack=stack, variable=VARIABLE)
