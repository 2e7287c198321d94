"""`mailer stack`: a stack's outputs. Also the option `--stack`, which other commands share."""

import os
from typing import TYPE_CHECKING, Literal, overload

from mailer.cli.output import as_json, line, table
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sesv2 import SESV2Client

    from mailer.stack import StackOutputs

VARIABLE = "MAILSTACK_STACK"


HELP = "show a stack's outputs"
EXAMPLES = """\
examples:
  mailer stack --stack prod
  mailer stack --stack prod --json > outputs.json

`mailer status` shows the stack's state in AWS.
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_stack_option(command)
    command.add_argument("--json", action="store_true", help="as JSON, fit for MAILSTACK_OUTPUTS")


def add_stack_option(command: "ArgumentParser") -> None:
    """Add `--stack` to a command."""
    command.add_argument(
        "--stack", metavar="NAME", help=f"the stack's name; {VARIABLE} or the outputs' own when left out"
    )


def outputs_of(given: "Namespace") -> "StackOutputs":
    """The outputs of the stack that the command line or the environment names.

    Raises:
        ConfigurationError: Neither names one, or it has none.
    """
    from mailer.stack import VARIABLE as OUTPUTS
    from mailer.stack import load

    name = named_stack(given)
    if not name and not os.environ.get(OUTPUTS, "").strip():
        raise ConfigurationError("No stack is named.", hint=f"Give --stack NAME, or set {VARIABLE} or {OUTPUTS}.")
    return load(name)


def named_stack(given: "Namespace") -> str:
    """The stack's name by the command line or the environment; empty where neither gives one."""
    return given.stack or os.environ.get(VARIABLE, "")


@overload
def client(service: Literal["sesv2"], region: str) -> "SESV2Client": ...
@overload
def client(service: Literal["cloudwatch"], region: str) -> "CloudWatchClient": ...
@overload
def client(service: Literal["dynamodb"], region: str) -> "DynamoDBClient": ...
def client(service: Literal["sesv2", "cloudwatch", "dynamodb"], region: str) -> object:
    """A client of a service in the stack's region, for a person who waits."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.client(service, region_name=region, config=config)


def run(given: "Namespace") -> int:
    """Print the outputs."""
    outputs = outputs_of(given)
    if given.json:
        as_json(outputs.model_dump(mode="json"))
        return 0
    plain = outputs.model_dump(exclude={"streams", "dns_records"})
    table((name, str(value)) for name, value in plain.items())
    line("\nstreams")
    table((f"  {name}", stream.configuration_set) for name, stream in outputs.streams.items())
    line("\nDNS records")
    table((f"  {record.type}", record.name, " ".join(record.values)) for record in outputs.dns_records)
    line(f"\nIts state in AWS: mailer status --stack {outputs.stack}")
    return 0
