"""`mailer production-access`: leave the SES sandbox: check, draft, submit, follow the case."""

import os
import time
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mailer.address import Address
from mailer.cli.doctor import lookup_of
from mailer.cli.output import is_confirmed, line, table
from mailer.cli.stack import add_stack_option, client, outputs_of
from mailer.cli.streams import translated
from mailer.errors import CommandFailed, ConfigurationError, InvalidAddress

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from mailer.doctor.check import Result
    from mailer.doctor.production.draft import Answers
    from mailer.doctor.site import Site
    from mailer.stack import StackOutputs

HELP = "leave the SES sandbox: check what AWS asks for, draft the request, submit it, follow the case"
EXAMPLES = """\
examples:
  mailer production-access --stack prod
  mailer production-access --stack prod --website https://www.example.com --a-day 500 \\
      --use-case "Order confirmations and password resets of our shop." \\
      --recipients "Customers who entered and confirmed their address when they registered."
  mailer production-access --stack prod --wait 86400

In the sandbox SES delivers to verified addresses and to the mailbox simulator alone, 200 mails a day, one a second. AWS
reads the request, and answers within a day as a rule. The request says what you answer and what was found in the
account, nothing else. Nothing is submitted before you confirm it.

exit status: 0 granted or submitted, 1 not submitted, denied or not granted in time, 2 wrong usage, or AWS refused
"""
NOT_GRANTED = 1
# Seconds between two looks at the case.
_PAUSE = 60.0
_HINT = "docs/guides/operations.md, 'Production access', lists what the caller's role needs."
# What must be right before AWS is asked; the rest of `mailer doctor` can wait.
_NEEDED = (
    "credentials",
    "enforcement",
    "identity",
    "dkim",
    "mail-from",
    "dmarc-record",
    "reputation",
    "guard",
    "alarms",
)
_CASES = {
    "PENDING": "AWS reviews the request.",
    "GRANTED": "AWS has accepted the last details.",
    "DENIED": "AWS has denied the request. Answer the case in the Support Center: say what has changed.",
    "FAILED": "AWS could not process the request. Submit it again.",
}


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_stack_option(command)
    command.add_argument("--website", metavar="URL", type=_url, help="the site that the mail belongs to")
    command.add_argument("--use-case", metavar="TEXT", default="", help="which mails are sent, and what for")
    command.add_argument("--recipients", metavar="TEXT", default="", help="how the recipients' addresses are obtained")
    command.add_argument("--a-day", metavar="NUMBER", default=0, type=_count, help="mails a day that are expected")
    command.add_argument("--marketing", action="store_true", help="most of the mail is marketing")
    command.add_argument("--opt-out", metavar="TEXT", default="", help="how recipients stop marketing mail")
    command.add_argument(
        "--contact", metavar="ADDRESS", action="append", default=[], type=_contact, help="AWS writes there, too"
    )
    command.add_argument("--language", choices=("EN", "JA"), default="EN", help="of AWS's answers; default: EN")
    command.add_argument("--dry-run", action="store_true", help="check and draft, do not submit")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument("--wait", metavar="SECONDS", default=0, type=_count, help="follow the case for so long")


def _url(text: str) -> str:
    where = urlsplit(text)
    if where.scheme not in {"http", "https"} or not where.hostname or len(text) > 1000:  # noqa: PLR2004 - the API's
        raise ArgumentTypeError(f"{text!r} is not the URL of a website, such as https://www.example.com")
    return text


def _contact(text: str) -> str:
    try:
        return Address.parse(text).email
    except InvalidAddress as error:
        raise ArgumentTypeError(f"{text!r}: {error.message}") from error


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000_000:  # noqa: PLR2004 - more than SES sends
        raise ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def run(given: "Namespace") -> int:
    """Say how things stand; check, draft, ask, submit; follow."""
    outputs = outputs_of(given)
    account = _account(outputs)
    if account["ProductionAccessEnabled"]:
        line(f"The account has production access in {outputs.region}.")
        return 0
    review = account.get("Details", {}).get("ReviewDetails", {})
    if review:
        line(_case(review))
    if review.get("Status") != "PENDING":
        if not _request(outputs, account, given):
            return NOT_GRANTED
        if not given.wait:
            line(f"Submitted. To follow the case: mailer production-access --stack {outputs.stack} --wait 86400")
            return 0
    return _follow(outputs, given.wait) if given.wait else NOT_GRANTED


def _account(outputs: "StackOutputs") -> Any:
    with translated("Nothing was submitted.", CommandFailed, _HINT):
        return client("sesv2", outputs.region).get_account()


def _case(review: "dict[str, str]") -> str:
    status = review.get("Status", "")
    return f"Case {review.get('CaseId', '-')}: {status}. {_CASES.get(status, '')}".rstrip()


def _request(outputs: "StackOutputs", account: Any, given: "Namespace") -> bool:
    """Whether the request was submitted."""
    from mailer.doctor.check import Verdict
    from mailer.doctor.production.draft import MARKETING, MAX_CHARACTERS, draft, open_questions
    from mailer.doctor.site import Site

    answers = _answers(outputs, given)
    results = _checked(Site(outputs, lookup_of(), os.environ))
    passed = {result.check.name for result in results if result.verdict is Verdict.OK}
    suppressed = account.get("SuppressionAttributes", {}).get("SuppressedReasons", [])
    text = draft(answers, outputs, passed, suppressed)
    mail_type = MARKETING if answers.marketing else "TRANSACTIONAL"
    _show(results, answers, mail_type, text)
    failed = [result.check.name for result in results if result.verdict is Verdict.FAILED]
    missing = open_questions(answers)
    if failed:
        line(f"\nNot submitted. Fix first: {', '.join(failed)}. AWS denies requests of accounts that are not set up.")
    elif missing:
        line("\nNot submitted. Say also:")
        table((f"  {option}", words) for option, words in missing)
    elif len(text) > MAX_CHARACTERS:
        raise ConfigurationError(
            f"The text has {len(text):,} characters; AWS takes {MAX_CHARACTERS:,}.", hint="Say less."
        )
    if failed or missing or given.dry_run:
        return False
    if not (given.yes or is_confirmed("\nSubmit this to AWS?", "submit")):
        line("Nothing was submitted.")
        return False
    _submit(outputs, given, answers.website, mail_type, text)
    return True


def _answers(outputs: "StackOutputs", given: "Namespace") -> "Answers":
    from mailer.doctor.production.draft import Answers

    website = given.website or str(outputs.brand.get("website") or "")
    return Answers(website, given.use_case, given.recipients, given.opt_out, given.a_day, given.marketing)


def _checked(site: "Site") -> "Sequence[Result]":
    from mailer.doctor.checks import CHECKS
    from mailer.doctor.production.draft import FEEDBACK
    from mailer.doctor.run import examine

    return examine(site, [check for check in CHECKS if check.name in {*_NEEDED, *FEEDBACK}])


def _show(results: "Sequence[Result]", answers: "Answers", mail_type: str, text: str) -> None:
    table((result.verdict, result.check.name, _found(result)) for result in results)
    line("\nThe request:\n")
    table((("  mail type", mail_type), ("  website", answers.website or "-")))
    line("\n" + "\n".join(f"  {each}".rstrip() for each in text.splitlines()))


def _found(result: "Result") -> str:
    return f"{result.problems[0].found} {result.problems[0].remedy}" if result.problems else result.why


def _submit(outputs: "StackOutputs", given: "Namespace", website: str, mail_type: str, text: str) -> None:
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutAccountDetails.html."""
    request: dict[str, Any] = {
        "MailType": mail_type,
        "WebsiteURL": website,
        "ContactLanguage": given.language,
        "UseCaseDescription": text,
        "ProductionAccessEnabled": True,
    }
    if given.contact:
        request["AdditionalContactEmailAddresses"] = given.contact
    with translated("Nothing was submitted.", CommandFailed, _HINT):
        client("sesv2", outputs.region).put_account_details(**request)


def _follow(outputs: "StackOutputs", seconds: float) -> int:
    """Look at the case until AWS has decided, or time is up."""
    ends, said = time.monotonic() + seconds, ""
    while True:  # ends in time
        account = _account(outputs)
        if account["ProductionAccessEnabled"]:
            line(f"The account has production access in {outputs.region}.")
            return 0
        review = account.get("Details", {}).get("ReviewDetails", {})
        if _case(review) != said:
            said = _case(review)
            line(said)
        left = ends - time.monotonic()
        if left <= 0 or review.get("Status") in {"DENIED", "FAILED"}:
            return NOT_GRANTED
        time.sleep(min(_PAUSE, left))
