"""The steps of the demo, in order. Each does one thing with the real parts and says what it saw."""

from collections.abc import Iterable
from dataclasses import dataclass

from demo.pager import Pager, headline
from demo.screen import NotSeen
from demo.waiting import wait_for
from mailer import Mailer, SendResult, Status
from mailer.catalog import PasswordReset, VerificationCode, Welcome
from mailer.stack import StackOutputs
from mailer.table import PARTITION_KEY
from mailstack_localcloud import LocalCloud

SUCCESS, BOUNCE, COMPLAINT = (f"{name}@simulator.amazonses.com" for name in ("success", "bounce", "complaint"))
# The simulator does not count in reputation metrics, so the bounce rate needs mailboxes that are really gone.
GONE = tuple(f"former-customer-{n}@gone.test" for n in range(5))


@dataclass(frozen=True)
class Loop:
    """A deployed stack, the cloud that it is in, and a mailer that knows only its outputs."""

    cloud: LocalCloud
    outputs: StackOutputs
    mailer: Mailer
    pager: Pager
    patience: float

    @classmethod
    def over(cls, cloud: LocalCloud, outputs: StackOutputs, *, patience: float) -> "Loop":
        """Subscribe a pager to the paging topic, and take a mailer from the stack; wait `patience` seconds a step."""
        return cls(
            cloud, outputs, Mailer.from_stack(outputs.stack), Pager.on(cloud, outputs.paging_topic_arn), patience
        )

    def identity_verified(self) -> list[str]:
        """SES found the DNS records that the stack published."""
        ses, seen = self.cloud.client("sesv2"), list[str]()

        def probe() -> list[str] | None:
            identity = ses.get_email_identity(EmailIdentity=self.outputs.domain)
            dkim, mail_from = identity["DkimAttributes"], identity["MailFromAttributes"]
            seen.append(f"DKIM is {dkim['Status']}, MAIL FROM is {mail_from['MailFromDomainStatus']}")
            if dkim["Status"] == mail_from["MailFromDomainStatus"] == "SUCCESS":
                return [f"{self.outputs.domain}: DKIM {dkim['Status']}", f"{self.outputs.mail_from_domain}: MAIL FROM"]
            return None

        return wait_for(probe, seconds=self.patience, instead=lambda: seen[-1])

    def send(self) -> list[str]:
        """Three typed templates, one to each mailbox of the simulator that matters here."""
        results = [
            self.mailer.send(Welcome(name="Ada", dashboard_url="https://app.example.test/"), to=SUCCESS),
            self.mailer.send(VerificationCode(code="424242"), to=BOUNCE),
            self.mailer.send(PasswordReset(name="Ada", reset_url="https://app.example.test/reset/1"), to=COMPLAINT),
        ]
        return expect(results, Status.SENT)

    def inbox(self) -> list[str]:
        """All three are in the inbox."""
        wanted = (SUCCESS, BOUNCE, COMPLAINT)

        def found() -> dict[str, str]:
            mails = self.cloud.control("GET", "messages")["messages"]
            return {address: mail["subject"] for mail in mails for address in mail["to"] if address in wanted}

        subjects = wait_for(
            lambda: all_of(found(), wanted),
            seconds=self.patience,
            instead=lambda: f"{len(found())} of {len(wanted)} mails",
        )
        return [f"{address}: {subjects[address]}" for address in wanted]

    def events(self) -> list[str]:
        """The feedback Lambda took the bounce and the complaint from the queue and recorded each."""
        wanted = {"Bounce", "Complaint"}

        def probe() -> list[str] | None:
            kinds = {item["kind"]["S"] for item in self._items("EVENT#")}
            return [f"recorded by the Lambda: {', '.join(sorted(kinds & wanted))}"] if wanted <= kinds else None

        return wait_for(probe, seconds=self.patience, instead=self._feedback_path)

    def suppressions(self) -> list[str]:
        """Both addresses are on the suppression list."""

        def probe() -> list[str] | None:
            reasons = {item["address"]["S"]: item["reason"]["S"] for item in self._items("SUPPRESSION#")}
            if reasons.get(BOUNCE) == "bounce" and reasons.get(COMPLAINT) == "complaint":
                return [f"{address}: {reasons[address]}" for address in (BOUNCE, COMPLAINT)]
            return None

        return wait_for(
            probe, seconds=self.patience, instead=lambda: f"{len(self._items('SUPPRESSION#'))} suppression rows"
        )

    def refused(self) -> list[str]:
        """The second send to each is refused before SES is asked."""
        return expect(
            [self.mailer.send(VerificationCode(code="535353"), to=to) for to in (BOUNCE, COMPLAINT)], Status.SUPPRESSED
        )

    def alarm(self) -> list[str]:
        """Mail to mailboxes that are gone bounces, and the critical bounce-rate alarm goes off."""
        self.cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
        expect(
            [self.mailer.send(Welcome(name="Ada", dashboard_url="https://app.example.test/"), to=to) for to in GONE],
            Status.SENT,
        )
        cloudwatch = self.cloud.client("cloudwatch")

        def probe() -> list[str] | None:
            found = cloudwatch.describe_alarms(StateValue="ALARM", AlarmTypes=["CompositeAlarm", "MetricAlarm"])
            stream = f"{self.outputs.default_configuration_set}-"  # the account's own alarms watch the same mail
            critical = [a for a in found["CompositeAlarms"] if a["AlarmName"] == f"{stream}bounce-rate-critical"]
            rates = [a for a in found["MetricAlarms"] if a["AlarmName"].startswith(f"{stream}bounce-rate")]
            if not (critical and rates):
                return None
            return [f"{alarm['AlarmName']}: {alarm['StateReason']}" for alarm in (critical[0], rates[-1])]

        return wait_for(probe, seconds=self.patience, instead=self._alarm_states)

    def paged(self) -> list[str]:
        """The alarm's page arrives where pagers are subscribed."""
        return self._page("Reputation.BounceRate", "critical", instead="no notification of the critical alarm")

    def guarded(self) -> list[str]:
        """The guard pauses the configuration set and says so on the paging topic."""
        ses, name = self.cloud.client("sesv2"), self.outputs.default_configuration_set

        def probe() -> bool | None:
            options = ses.get_configuration_set(ConfigurationSetName=name)["SendingOptions"]
            return None if options["SendingEnabled"] else True

        wait_for(probe, seconds=self.patience, instead=lambda: f"{name} still sends")
        return [
            f"{name}: sending disabled",
            *self._page("mailer resume", instead="paused, but no page of the guard"),
        ]

    def paused(self) -> list[str]:
        """The next send is refused, with what to do about it."""
        result = self.mailer.send(Welcome(name="Ada", dashboard_url="https://app.example.test/"), to=SUCCESS)
        lines = expect([result], Status.REFUSED)
        error = result.recipients[0].error
        if "paused" not in str(error) or not getattr(error, "hint", ""):
            raise NotSeen(f"refused, but not as paused: {error}")
        return [*lines, str(error)]

    def _items(self, prefix: str) -> list[dict[str, dict[str, str]]]:
        found: list[dict[str, dict[str, str]]] = []
        scan = self.cloud.client("dynamodb").get_paginator("scan")
        for page in scan.paginate(TableName=self.outputs.table, ConsistentRead=True):
            found += [item for item in page["Items"] if item[PARTITION_KEY]["S"].startswith(prefix)]  # pyright: ignore[reportTypedDictNotRequiredAccess, reportArgumentType]
        return found

    def _feedback_path(self) -> str:
        sqs = self.cloud.client("sqs")
        counts = {
            name: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            for name, url in (
                ("queue", self.outputs.feedback_queue_url),
                ("dead-letter queue", self.outputs.feedback_dlq_url),
            )
        }
        waiting = ", ".join(
            f"{a['ApproximateNumberOfMessages']} + {a['ApproximateNumberOfMessagesNotVisible']} messages in the {name}"
            for name, a in counts.items()
        )
        return f"no bounce and complaint recorded by the feedback Lambda; {waiting}"

    def _alarm_states(self) -> str:
        alarms = self.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
        states = [
            f"{alarm['AlarmName']} is {alarm['StateValue']}" for alarm in alarms if "bounce" in alarm["AlarmName"]
        ]
        return "; ".join(states) or "no bounce-rate alarm exists"

    def _page(self, *marks: str, instead: str) -> list[str]:
        def explain() -> str:
            pages = "; ".join(map(headline, self.pager.pages))
            return f"{instead}; pages: {pages or 'none'}"

        return [f"page: {wait_for(lambda: self.pager.find(*marks), seconds=self.patience, instead=explain)}"]


def all_of(found: dict[str, str], wanted: Iterable[str]) -> dict[str, str] | None:
    """The values found, once all wanted ones are among them."""
    return found if all(name in found for name in wanted) else None


def expect(results: Iterable[SendResult], status: Status) -> list[str]:
    """Each recipient's line, if all have that status."""
    recipients = [recipient for result in results for recipient in result.recipients]
    lines = [f"{r.address}: {r.status.value}" for r in recipients]
    wrong = [r for r in recipients if r.status is not status]
    if wrong:
        raise NotSeen("; ".join(f"{r.address} was {r.status.value}, not {status.value} ({r.error})" for r in wrong))
    return lines
