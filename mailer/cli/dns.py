"""`mailer dns`: the DNS records that a stack needs, to publish them by hand. With --check, see `dns_check.py`."""

from typing import TYPE_CHECKING

from mailer.cli import dns_check
from mailer.cli.output import as_json, line, table
from mailer.cli.stack import add_stack_option, outputs_of
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = "show the DNS records that a stack needs, or check them"
EXAMPLES = """\
examples:
  mailer dns --stack prod
  mailer dns --stack prod --json
  mailer dns --stack prod --zone-file >> example.com.zone
  mailer dns --stack prod --check --wait 600
  mailer dns --stack prod --check --resolver 1.1.1.1 --json
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_stack_option(command)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON; TXT values are whole, however long")
    form.add_argument("--zone-file", action="store_true", help="as lines of a zone file, which BIND and others read")
    dns_check.configure(command)


def run(given: "Namespace") -> int:
    """Print the records."""
    from mailer.zonefile import fragment

    outputs = outputs_of(given)
    if given.check and given.zone_file:
        raise ConfigurationError("--check and --zone-file do not go together.", hint="Leave one of them out.")
    if not given.check and (given.resolver or given.wait):
        raise ConfigurationError("--resolver and --wait say how to check.", hint="Give --check, too.")
    if given.check and outputs.dns_records:
        return dns_check.run(outputs, given)
    if given.json:
        as_json([record.model_dump(mode="json") for record in outputs.dns_records])
    elif given.zone_file:
        line(fragment(outputs).rstrip("\n"))
    elif not outputs.dns_records:
        line(f"Nothing to publish: mail comes from {outputs.identity}, a single address, which SES verifies by a mail.")
    else:
        rows = [(r.type, r.name, str(r.ttl), value) for r in outputs.dns_records for value in r.values]
        table([("type", "name", "ttl", "value"), *rows])
    return 0
