"""The use case that AWS reads, from what a person says and what was found in the account. Pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from mailer.stack import StackOutputs

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutAccountDetails.html
MAX_CHARACTERS = 5000
MARKETING = "MARKETING"


@dataclass(frozen=True)
class Answers:
    """What only a person knows. Empty: not answered.

    Attributes:
        website: The URL of the site that the mail belongs to.
        use_case: Which mails are sent, and what for.
        recipients: How the addresses of the recipients are obtained.
        opt_out: How recipients stop marketing mail.
        a_day: Mails a day that are expected; 0 if not said.
        marketing: Whether most of the mail is marketing.
    """

    website: str = ""
    use_case: str = ""
    recipients: str = ""
    opt_out: str = ""
    a_day: int = 0
    marketing: bool = False


# What AWS asks, and the option that answers it.
# https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html
_QUESTIONS = (
    ("website", "--website URL", "the site that the mail belongs to"),
    ("use_case", "--use-case TEXT", "which mails are sent, and what for"),
    ("recipients", "--recipients TEXT", "how the addresses of the recipients are obtained"),
    ("a_day", "--a-day NUMBER", "how many mails a day are expected"),
)
_OPT_OUT = ("opt_out", "--opt-out TEXT", "how recipients stop marketing mail")


def open_questions(answers: Answers) -> list[tuple[str, str]]:
    """The options that are missing, and what each answers."""
    asked = (*_QUESTIONS, _OPT_OUT) if answers.marketing else _QUESTIONS
    return [(option, words) for name, option, words in asked if not getattr(answers, name)]


def draft(answers: Answers, outputs: "StackOutputs", passed: "Collection[str]", suppressed: "Collection[str]") -> str:
    """The text of the request. It claims only what was found.

    Args:
        answers: Of a person.
        outputs: Of the stack.
        passed: The names of the checks of `mailer doctor` that are ok.
        suppressed: The reasons for which SES's own list of the account suppresses addresses.
    """
    said = (answers.use_case, _volume(answers), answers.recipients, answers.opt_out)
    found = (
        _authentication(outputs, passed),
        _feedback(outputs, passed),
        _account_list(suppressed),
        _guard(passed),
    )
    return "\n\n".join(text.strip() for text in (*said, *found) if text.strip())


def _volume(answers: Answers) -> str:
    return f"We expect to send about {answers.a_day:,} mails a day." if answers.a_day else ""


def _authentication(outputs: "StackOutputs", passed: "Collection[str]") -> str:
    parts = [f"The identity {outputs.domain} is verified"] if "identity" in passed else []
    parts += ["signs with DKIM"] if parts and "dkim" in passed else []
    parts += (
        [f"has the MAIL FROM domain {outputs.mail_from_domain}"] if parts and _has_mail_from(outputs, passed) else []
    )
    parts += ["has a DMARC record"] if parts and "dmarc-record" in passed else []
    return f"{', '.join(parts)}." if parts else ""


def _has_mail_from(outputs: "StackOutputs", passed: "Collection[str]") -> bool:
    return bool(outputs.mail_from_domain) and "mail-from" in passed


# The checks that the path of an event needs, from SES to the suppression list.
FEEDBACK = (
    *("event-destinations", "events-topic", "events-subscription"),
    *("feedback-queue", "feedback-function", "table"),
)


def _feedback(outputs: "StackOutputs", passed: "Collection[str]") -> str:
    if not set(FEEDBACK) <= set(passed):
        return ""
    streams = ", ".join(sorted(stream.configuration_set for stream in outputs.streams.values()))
    return (
        f"Bounces and complaints: each configuration set ({streams}) publishes its events to an Amazon SNS topic. A "
        "Lambda function reads them from an Amazon SQS queue with a dead-letter queue, and writes hard bounces and "
        "complaints to our suppression list. It is looked up before every mail, and no further mail is sent to such "
        "an address."
    )


def _account_list(suppressed: "Collection[str]") -> str:
    reasons = [word for reason, word in (("BOUNCE", "bounces"), ("COMPLAINT", "complaints")) if reason in suppressed]
    return f"The account-level suppression list is enabled for {' and '.join(reasons)}." if reasons else ""


def _guard(passed: "Collection[str]") -> str:
    if not {"guard", "alarms"} <= set(passed):
        return ""
    alarms = "CloudWatch alarms watch the bounce and complaint rate of each configuration set"
    return f"{alarms}. A critical rate pauses its sending automatically until a person has removed the cause."
