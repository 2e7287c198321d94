"""`mailer send`: fill in a template and send it, or show it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.cli.data import brand_of, fields_of, pair
from mailer.cli.locale_options import add_locale_options, localized
from mailer.cli.named_template import fill, find
from mailer.cli.output import as_json, line, table
from mailer.cli.stack import add_stack_option, named_stack, outputs_of
from mailer.errors import ConfigurationError, InvalidMessage

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from mailer.message import Attachment, Envelope, Message
    from mailer.results import SendResult
    from mailer.stack import StackOutputs
    from mailer.templates.base import EmailTemplate
    from mailer.templates.brand import Brand

NOT_SENT = 1

HELP = "fill in a template and send it, or show it"
EXAMPLES = """\
examples:
  mailer send welcome --stack prod --to 'Ada <ada@example.com>' --set name=Ada --set dashboard_url=https://app.example.com
  mailer send verification_code --to ada@example.com --set code=424242 --dry-run
  mailer send shop.mails:OrderShipped --to ada@example.com --data order.json --attach invoice.pdf --json
  mailer send shop.mails:OrderShipped --to ada@example.com --data order.json --brand brand.toml --dry-run --html

  mailer send shop.mails:Renewal --stack prod --csv people.csv --dry-run
  mailer send shop.mails:Renewal --stack prod --csv people.csv --resume

--csv sends one mail for each row: the column `to`, a column for each field, and `locale` for the language. Every row is
checked before the first mail is sent. A journal beside the file records each row, so that --resume after an
interruption sends no mail twice.

`mailer templates` lists the templates and their fields. Several --to share one message and see each other.
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("template", metavar="TEMPLATE", help="a name of the catalog, or module:Class")
    add_stack_option(command)
    for option in ("--to", "--cc", "--bcc", "--reply-to"):
        command.add_argument(option, metavar="ADDRESS", action="append", default=[], help="may be repeated")
    command.add_argument("--from", dest="sender", metavar="ADDRESS", help="the stack's sender when left out")
    pairs = {"--set": ("FIELD=VALUE", "a field of the template"), "--tag": ("NAME=VALUE", "a tag for SES's events")}
    for option, (metavar, meaning) in pairs.items():
        command.add_argument(
            option, metavar=metavar, action="append", type=pair, default=[], help=f"{meaning}; may be repeated"
        )
    command.add_argument(
        "--data", metavar="FILE", help="fields as a JSON object, lists and nested ones too; - for standard input"
    )
    command.add_argument(
        "--brand", metavar="BRAND", help="a TOML or JSON file, or module:NAME; the stack's when left out"
    )
    add_locale_options(command)
    command.add_argument("--attach", metavar="FILE", action="append", type=Path, default=[], help="may be repeated")
    command.add_argument("--stream", metavar="NAME", default="", help="the stack's default stream when left out")
    command.add_argument("--csv", metavar="FILE", type=Path, help="one mail for each row of the file")
    command.add_argument("--resume", action="store_true", help="with --csv: send the rows that were not sent")
    command.add_argument("--threads", metavar="N", type=int, default=16, help="with --csv: mails at once; default 16")
    command.add_argument("--dry-run", action="store_true", help="show the message; send nothing; needs no stack")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the result, or with --dry-run the message, as JSON")
    form.add_argument("--html", action="store_true", help="with --dry-run: the HTML alone, for a browser")


def run(given: "Namespace") -> int:
    """Send, or show."""
    from mailer.mailer import Mailer

    if given.html and not given.dry_run:
        raise ConfigurationError("--html shows the message's HTML.", hint="Give --dry-run, too.")
    values = {**fields_of(given.data), **dict(cast("list[tuple[str, str]]", given.set))}
    if given.csv:
        values = {**values, **({"locale": given.locale} if given.locale else {})}
        return _send_csv(given, values)
    template = localized(fill(find(given.template), values), given)
    brand = brand_of(given.brand)
    envelope: Envelope = {
        "to": cast("list[str]", given.to),
        "cc": cast("list[str]", given.cc),
        "bcc": cast("list[str]", given.bcc),
        **_shared(given),
    }
    if given.dry_run:
        _show_message(_composed(template, brand, envelope, _outputs_if_any(given)), given)
        return 0
    result = Mailer(outputs_of(given), brand=brand).send(template, **envelope)
    _show_result(result, json=bool(given.json))
    return 0 if result.ok else NOT_SENT


def _shared(given: "Namespace") -> "Envelope":
    """The parts that mails to different recipients share."""
    return {
        "reply_to": cast("list[str]", given.reply_to),
        "sender": cast("str | None", given.sender),
        "stream": cast("str", given.stream),
        "tags": cast("list[tuple[str, str]]", given.tag),
        "attachments": [_attachment(path) for path in cast("list[Path]", given.attach)],
    }


def _send_csv(given: "Namespace", values: "Mapping[str, object]") -> int:
    from mailer.cli.send_csv import CsvRun, dry_run, report
    from mailer.mailer import Mailer

    if given.to or given.cc or given.bcc or given.html:
        raise ConfigurationError("--csv names the recipients.", hint="Leave out --to, --cc, --bcc and --html.")
    run = CsvRun(given.csv, find(given.template), values, _shared(given))
    with Mailer(outputs_of(given), brand=brand_of(given.brand)) as mailer:
        if given.dry_run:
            dry_run(run, mailer, json=bool(given.json))
            return 0
        statuses = run.send(mailer, resume=bool(given.resume), threads=int(given.threads))
    return 0 if report(statuses, run, json=bool(given.json)) else NOT_SENT


def _outputs_if_any(given: "Namespace") -> "StackOutputs | None":
    from mailer.stack import VARIABLE

    return outputs_of(given) if named_stack(given) or os.environ.get(VARIABLE, "").strip() else None


def _composed(
    template: "EmailTemplate", brand: "Brand | None", envelope: "Envelope", outputs: "StackOutputs | None"
) -> "Message":
    """The message as the stack would send it; without one, what there is of it."""
    from mailer.mailer import Mailer
    from mailer.templates.brand import Brand
    from mailer.templates.compose import compose

    if outputs:
        return Mailer(outputs, brand=brand).compose(template, **envelope)
    return compose(template, brand or Brand(name="example.com"), **envelope)


def _attachment(path: Path) -> "Attachment":
    from mailer.message import Attachment

    try:
        return Attachment.from_path(path)
    except OSError as error:
        words = f"The attachment {path} cannot be read: {error.strerror}."
        raise InvalidMessage(words, hint="Give the path of a file.") from error


def _show_message(message: "Message", given: "Namespace") -> None:
    if given.html:
        line(message.html.rstrip("\n"))
        return
    parts = {
        "from": str(message.sender or "the stack's own"),
        "to": ", ".join(map(str, message.to)),
        "cc": ", ".join(map(str, message.cc)),
        "bcc": ", ".join(map(str, message.bcc)),
        "reply-to": ", ".join(map(str, message.reply_to)),
        "stream": message.stream,
        "tags": ", ".join(f"{name}={value}" for name, value in message.tags),
        "attachments": ", ".join(map(repr, message.attachments)),
        "subject": message.subject,
    }
    if given.json:
        as_json({**parts, "text": message.text, "html": message.html})
        return
    table((f"{name}:", value) for name, value in parts.items() if value)
    line(f"\n{message.text}\n(HTML: {len(message.html)} characters; --html shows it. Nothing was sent.)")


def _show_result(result: "SendResult", *, json: bool) -> None:
    if json:
        as_json(result.to_dict())
        return
    table((str(one.status), one.address.masked, one.message_id or one.reason) for one in result)
    for hint in dict.fromkeys(one.error.hint for one in result if one.error and one.error.hint):
        line(f"  {hint}")
