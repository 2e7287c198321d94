"""`localcloud`: the command that runs the local cloud in the foreground."""

import argparse
import dataclasses
import json
import logging
import os
import sys
from pathlib import Path

from mailstack_localcloud.backend.credentials import environment
from mailstack_localcloud.server.runner import (
    NotInstalledError,
    Ports,
    PortTakenError,
    ServerInfo,
    disable_gc,
    freeze_gc,
    serve,
    until_signal,
)
from mailstack_localcloud.smtp.certificate import ensure
from mailstack_localcloud.state_folder import StateError

_HELP = """\
The local cloud is ready.  Stop it with Ctrl-C.

  endpoint  {endpoint}
  inbox     {endpoint}/inbox
  control   {endpoint}/_localcloud/
  smtp      {smtp.host}, port {smtp.port} with STARTTLS, port {smtp.tls_port} with TLS
            user {smtp.username}
            password {smtp.password}
            certificate to trust {smtp.certificate}

In the shell that uses it, for boto3, the AWS CLI and every other SDK:

{exports}

  python -c 'import boto3; print(boto3.client("sesv2").get_account()["SendQuota"])'
  aws --endpoint-url {endpoint} sesv2 get-account
"""


_LAST_PORT = 65_535
_USUAL_ENDPOINT = "http://127.0.0.1:4566"


def main() -> None:
    """Parse the command line and serve until interrupted."""
    disable_gc()
    parser = argparse.ArgumentParser(prog="localcloud", description="AWS on one machine, on a loopback port.")
    parser.add_argument("--port", type=_port, default=0, help="0, the default, takes a free one")
    parser.add_argument("--smtp-port", type=_port, default=0, help="for SMTP with STARTTLS; 0 takes a free one")
    parser.add_argument("--smtps-port", type=_port, default=0, help="for SMTP over TLS; 0 takes a free one")
    parser.add_argument("--region", default="us-east-1", help="the region that SES is emulated in (us-east-1)")
    parser.add_argument(
        "--state", metavar="FOLDER", help="keep everything there across restarts (default: nothing is kept)"
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of help")
    _add_pulumi_plugin(parser)
    arguments = parser.parse_args()
    if arguments.prepare:
        _pulumi_plugin(arguments)
        return
    logging.basicConfig(level=logging.ERROR, format="localcloud: %(message)s")
    try:
        serve(
            Ports(arguments.port, arguments.smtp_port, arguments.smtps_port),
            arguments.region,
            _print_json if arguments.json else _print_help,
            until_signal,
            state=arguments.state,
        )
    except (NotInstalledError, PortTakenError, StateError) as error:
        sys.exit(str(error))


def _add_pulumi_plugin(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(prepare=False)
    commands = parser.add_subparsers(title="for a local cloud that runs", metavar="pulumi-plugin")
    plugin = commands.add_parser(
        "pulumi-plugin",
        help="write the Pulumi plugin that deploys to it, and print the lines by which a shell uses that",
        description='Write the Pulumi plugin; used as: eval "$(localcloud pulumi-plugin DIR)"',
    )
    plugin.add_argument("folder", metavar="DIR", type=Path, help="for the plugin, and for the state of stacks")
    plugin.add_argument(
        "--endpoint",
        default=os.environ.get("AWS_ENDPOINT_URL", _USUAL_ENDPOINT),
        help=f"of the local cloud (AWS_ENDPOINT_URL, else {_USUAL_ENDPOINT})",
    )
    plugin.set_defaults(prepare=True)


def _pulumi_plugin(arguments: argparse.Namespace) -> None:
    try:
        from mailstack_localcloud.pulumi.shell import prepare
    except ModuleNotFoundError as error:
        sys.exit(str(error))
    sys.stdout.write(prepare(arguments.folder, arguments.endpoint, arguments.region))


def _port(text: str) -> int:
    """A TCP port, or 0.

    Raises:
        ArgumentTypeError: It is none.
    """
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use 0 to {_LAST_PORT}")
    return int(text)


def _print_help(known: ServerInfo) -> None:
    variables = environment(known.endpoint, known.region).items()
    exports = "\n".join(f"  export {name}={value}" for name, value in variables)
    ensure(known.smtp.certificate)
    _print(_HELP.format(endpoint=known.endpoint, smtp=known.smtp, exports=exports))


def _print_json(known: ServerInfo) -> None:
    variables = environment(known.endpoint, known.region)
    ensure(known.smtp.certificate)
    answer = {
        "endpoint": known.endpoint,
        "inbox": f"{known.endpoint}/inbox",
        "smtp": dataclasses.asdict(known.smtp),
        "environment": variables,
    }
    _print(json.dumps(answer) + "\n")


def _print(text: str) -> None:
    freeze_gc()
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
