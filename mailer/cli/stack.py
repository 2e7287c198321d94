"""`mailer stack`: a stack's outputs and its state in AWS. Also the option `--stack`, which other commands share."""

import os
from typing import TYPE_CHECKING, Literal, overload

from mailer.cli.output import as_json, line, table
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient

    from mailer.stack import StackOutputs

VARIABLE = "MAILSTACK_STACK"


HELP = "show a stack's outputs, its state in AWS, and what is left to do"
EXAMPLES = ""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_stack_option(command)
    command.add_argument("--json", action="store_true", help="as JSON, fit for MAILSTACK_OUTPUTS; AWS is not asked")
    command.add_argument("--offline", action="store_true", help="do not ask AWS for the stack's state")


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
def client(service: Literal["sns"], region: str) -> "SNSClient": ...
def client(service: Literal["sesv2", "cloudwatch", "sns"], region: str) -> object:
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
    if not given.offline:
        from mailer.cli import status

        line("\nin AWS now")
        found = list(status.of(outputs))
        table((f"  {each.what}", each.state) for each in found)
        for each in found:
            if each.then:
                line(f"\n{each.what}: {each.then}")
    return 0
