"""What the documentation says is not verified against live AWS, and the step of the live check that settles it.

`tests/unit/tools/live/test_claims.py` compares the table with the marks in the documentation: each mark has a row, and
each row a mark. `make docs` writes it into docs/guides/live-check.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One statement of the documentation that nobody has seen on AWS.

    Attributes:
        key: Its name in reports.
        page: The page that marks it, from the root of the repository.
        words: Words of the marked paragraph, list item or table row.
        text: What is claimed, in one sentence.
        step: The step of the live check that settles it; empty if only a person can.
        by_hand: What that person does.
    """

    key: str
    page: str
    words: str
    text: str
    step: str = ""
    by_hand: str = ""

    def __post_init__(self) -> None:
        if bool(self.step) == bool(self.by_hand):
            raise ValueError(f"claim {self.key}: give a step that settles it, or what a person does")


_SETTINGS = "docs/development/provider-facts.md"
_MONITORING = "docs/guides/monitoring.md"
_REGIONS = "docs/guides/multi-region-endpoint.md"

CLAIMS = (
    Claim("whole", "README.md", "Everything is tested", "The stack deploys, sends and gets bounces.", "feedback"),
    Claim("provider-facts", _SETTINGS, "The tables of this page", "A second deployment changes nothing.", "second-up"),
    Claim(
        "suppressed-reasons",
        _SETTINGS,
        "`suppressionOptions.suppressedReasons`",
        "SES returns the suppressed reasons in the order BOUNCE, COMPLAINT.",
        "reasons-order",
    ),
    Claim(
        "event-types",
        _SETTINGS,
        "`eventDestination.matchingEventTypes`",
        "SES returns the event types in the order of its API.",
        "event-types-order",
    ),
    Claim(
        "deploy-policies",
        "docs/reference/deploy-policies.md",
        "They are generated from a table",
        "The two policies suffice to deploy and to destroy a stack.",
        "deploy-policies",
    ),
    Claim(
        "unlisted-recipient",
        "docs/reference/local-cloud.md",
        "Recipients who are not on the list",
        "Mail with list management reaches a recipient who is not on the list.",
        "unlisted-recipient",
    ),
    Claim(
        "fill-without-data",
        "docs/reference/local-cloud.md",
        "`FILL` also fills a metric",
        "FILL fills a metric that never had data.",
        "fill-without-data",
    ),
    Claim(
        "tracking-override",
        "docs/guides/message-options.md",
        "What the override does",
        "Mail with a secret has neither rewritten links nor a tracking pixel, although its stream tracks.",
        by_hand="Send a `PasswordReset` through a stream with tracking to your own mailbox, and read its source.",
    ),
    Claim(
        "doctor", "docs/guides/doctor.md", "The checks are", "The checks find nothing wrong in a new stack.", "doctor"
    ),
    Claim(
        "doctor-microsoft365",
        "docs/guides/doctor.md",
        "the check `microsoft365` logs in",
        "The replies and PowerShell commands of the check `microsoft365` are those of a tenant.",
        by_hand="Run the command above the statement for a mailbox with and without SMTP AUTH.",
    ),
    Claim(
        "function-key",
        _MONITORING,
        "Lambda encrypts its functions' environment",
        "Lambda encrypts the environment of a function with the stack's key, and decrypts it to run.",
        "function-key",
    ),
    Claim(
        "encryption-context",
        _MONITORING,
        "set the encryption context",
        "SES and CloudWatch publish to topics whose key asks for the topic's encryption context.",
        "page",
    ),
    Claim(
        "email-dlq",
        _MONITORING,
        "SNS takes a DLQ for a subscription by e-mail",
        "SNS takes a dead-letter queue for a subscription by e-mail.",
        "email-dlq",
    ),
    Claim(
        "evaluation-range",
        _MONITORING,
        "How far back CloudWatch looks",
        "An alarm on one period keeps its state for three periods after the last datapoint.",
        "evaluation-range",
    ),
    Claim(
        "account-or-tenant",
        _MONITORING,
        "Which of SES's own events",
        "Events of SES that have no resource are about the account.",
        by_hand="Nobody can cause these events. Compare the `resources` of the first ones that EventBridge delivers.",
    ),
    Claim(
        "composite-in-slack",
        _MONITORING,
        "How Chatbot shows a composite alarm",
        "Amazon Q Developer (AWS Chatbot) shows the name and the reason of a composite alarm.",
        by_hand="Set `mailstack:slack`, run `aws cloudwatch set-alarm-state` for a critical alarm, see the channel.",
    ),
    Claim(
        "event-delay",
        "docs/guides/message-log.md",
        "The times are",
        "Events arrive within 26 minutes, so that an outcome is known after an hour.",
        "feedback",
    ),
    Claim(
        "smtp-headers",
        "docs/guides/smtp.md",
        "The headers of tenants",
        "SES reads X-SES-TENANT and X-SES-LIST-MANAGEMENT-OPTIONS over SMTP.",
        by_hand="Send over SMTP for a tenant that you paused, and to a contact who unsubscribed: SES refuses both.",
    ),
    Claim(
        "review",
        "docs/guides/operations.md",
        "how long a review takes",
        "AWS answers a request for production access within a day; one that was denied is answered in its case.",
        by_hand="Note when you submit a request, and when `mailer production-access --wait` ends.",
    ),
    Claim(
        "review-again",
        "docs/reference/local-cloud.md",
        "After `DENIED` or `FAILED` a new request is accepted",
        "AWS accepts a second request for production access after it has denied the first.",
        by_hand="Submit again after a denial, and note SES's answer.",
    ),
    Claim(
        "drills",
        "docs/guides/operations.md",
        "how long each step takes there",
        "Each drill passes, with the permissions that its row names.",
        by_hand="Run each `mailer drill` in your account, with a role that has these permissions and no other.",
    ),
    Claim(
        "migration",
        "docs/guides/migration.md",
        "The check-list is",
        "The check-list of `mailer migrate` sees each step when it is done.",
        by_hand="Migrate an application outside production, and look at the check-list after each step.",
    ),
    Claim(
        "load",
        "docs/guides/outside-production.md",
        "how many mails a second",
        "A stack sends at the account's rate.",
        by_hand="Run the load test of the page with an account in production, and compare with the account's rate.",
    ),
    Claim(
        "start-microsoft365",
        "docs/guides/start-microsoft365.md",
        "For an application that sends through a mailbox",
        "The steps of the page lead to the first mail.",
        by_hand="Follow the page with a mailbox of your tenant.",
    ),
    Claim(
        "region-fails",
        _REGIONS,
        "while one region fails",
        "SES sends through the second region while one fails, or while its stream is paused.",
        by_hand="Pause the stream in one region, and look for `ConfigurationSetSendingPausedException`.",
    ),
    Claim(
        "rate",
        "docs/guides/sending.md",
        "In simulations, 1, 4, 16 and 50 processes",
        "A process that keeps to the account's rate gets no throttled answer.",
        "rate",
    ),
    Claim(
        "bulk-rate",
        "docs/guides/sending.md",
        "The local cloud shows both behaviours",
        "SES limits SendBulkEmail to one request a second, or it does not; the mailer adapts to both.",
        "bulk-rate",
    ),
    Claim(
        "microsoft365",
        "docs/guides/microsoft365.md",
        "This page is",
        "Microsoft 365 replies as Microsoft documents it.",
        by_hand="Follow the page with a mailbox of your tenant, and send a mail through it.",
    ),
)
