"""Internal: the command line, `mailer COMMAND`. It reads arguments and prints, nothing else.

Exit status: 0 success, 1 something was not sent (or is stale, not published, not found, not resumed, not cancelled),
2 wrong usage or configuration.
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

from mailer.cli import (
    brand,
    dlq,
    dns,
    doctor,
    drill,
    erase,
    explain,
    identities,
    microsoft365,
    migrate,
    outbox,
    pause,
    preview,
    production_access,
    render,
    report,
    resume,
    send,
    stack,
    status,
    store,
    suppressions,
    templates,
    trace,
    verification,
)
from mailer.cli.output import close, complain, flush
from mailer.collision import HINT, WORDS
from mailer.errors import ConfigurationError, MailerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command = Callable[..., int]

USAGE_ERROR = 2
# What a shell expects after a signal: 128 and its number, here of SIGINT and SIGPIPE.
INTERRUPTED, CLOSED_PIPE = 130, 141

_EXAMPLES = """\
examples:
  mailer stack --stack prod
  mailer status --stack prod
  mailer dns --stack prod
  mailer doctor --stack prod
  mailer explain "Email address is not verified"
  mailer templates
  mailer send welcome --stack prod --to ada@example.com --set name=Ada --set dashboard_url=https://app.example.com
  mailer trace ada@example.com --stack prod
  mailer pause news --stack prod --why "Wrong price in the offer"
  mailer report --days 7 --stack prod
  mailer resume transactional --stack prod
  mailer dlq show --stack prod
  mailer drill bounce --stack prod
  mailer suppressions check ada@example.com --stack prod
  mailer migrate
  mailer send --help

MAILSTACK_STACK names the stack where --stack does not. The stack's outputs are read from MAILSTACK_OUTPUTS
(JSON or a file's path), which also names the stack where nothing else does, else from the Systems Manager parameter
that `pulumi up` wrote.

exit status: 0 success, 1 something was not sent (or is not published, found, resumed), 2 wrong usage or configuration
"""


_COMMANDS = {
    "stack": stack,
    "status": status,
    "dns": dns,
    "doctor": doctor,
    "drill": drill,
    "explain": explain,
    "identities": identities,
    "send": send,
    "trace": trace,
    "production-access": production_access,
    "pause": pause,
    "report": report,
    "resume": resume,
    "dlq": dlq,
    "suppressions": suppressions,
    "erase": erase,
    "store": store,
    "verification": verification,
    "outbox": outbox,
    "templates": templates,
    "preview": preview,
    "render": render,
    "brand": brand,
    "microsoft365": microsoft365,
    "migrate": migrate,
}


def parser() -> ArgumentParser:
    """Every command and option, with the texts of `--help`."""
    top = ArgumentParser(
        prog="mailer",
        description="Send mail through a deployed stack, and look at what it exports.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"mailstack {version('mailstack')}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=f"{module.HELP[0].upper()}{module.HELP[1:]}.",
            epilog=module.EXAMPLES,
            formatter_class=RawDescriptionHelpFormatter,
        )
        module.configure(command)
        command.set_defaults(run=module.run)
    return top


def _is_overwritten() -> bool:
    """Whether another distribution has overwritten `mailer/__init__.py`."""
    import mailer

    return "Mailer" not in getattr(mailer, "__all__", ())


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Run one command.

    Args:
        arguments: Default: those of the process.

    Returns:
        The exit status.
    """
    try:
        if _is_overwritten():
            raise ConfigurationError(WORDS, hint=HINT)
        given = parser().parse_args(arguments)
        status = cast("Command", given.run)(given)
        flush()
    except MailerError as error:
        complain(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `mailer ... | head`
        close()
        return CLOSED_PIPE
    else:
        return status
    return USAGE_ERROR
