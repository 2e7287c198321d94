"""Steps about mail: the mailbox simulator, the events that come back, suppressions, contact lists, refusals."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from mailer import Mailer, SendResult, Status
from mailer.catalog import VerificationCode, Welcome
from mailer.doctor.site import code_of
from mailer.sending.retry import RetryPolicy
from tools.live.finding import Finding, Step, confirmed, judged, refuted, unsettled
from tools.live.site import SIMULATOR, NotSeen, Site

# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html: mailboxes and the last event of each.
MAILBOXES = {"success": "Delivery", "ooto": "Delivery", "bounce": "Bounce", "complaint": "Complaint"}
# docs/guides/message-log.md: events arrive within 26 minutes.
LATEST = 26 * 60


def mailer(site: Site, **more: Any) -> Mailer:
    """A mailer of the stack that sends each mail once."""
    return Mailer(site.outputs, retries=RetryPolicy(attempts=1), **more)


def hello() -> Welcome:
    """A mail."""
    return Welcome(name="Ada", dashboard_url=f"https://app.{SIMULATOR}/")


def sent(result: SendResult) -> SendResult:
    """The result, if SES accepted the mail.

    Raises:
        NotSeen: It did not.
    """
    for one in result.recipients:
        if one.status is not Status.SENT:
            raise NotSeen(f"mail to {one.address.key.partition('@')[0]}@… was {one.status}: {one.error}")
    return result


def events_of(site: Site, message_id: str) -> dict[str, dict[str, Any]]:
    """The events of one mail that the witness has heard, by type."""
    heard = (one for one in site.witness.messages if one.get("mail", {}).get("messageId") == message_id)
    return {str(one["eventType"]): one for one in heard if "eventType" in one}


def _listened(site: Site) -> None:
    for message in site.witness.listen():
        if "eventType" in message:
            site.recorder.event(message)


def awaited(site: Site, message_id: str, kinds: set[str], instead: str) -> dict[str, dict[str, Any]]:
    """The events of a mail, once one of these kinds is among them."""

    def look() -> dict[str, dict[str, Any]] | None:
        _listened(site)
        found = events_of(site, message_id)
        return found if kinds & found.keys() else None

    return site.wait(look, instead)


def _delay(event: dict[str, Any], kind: str) -> float:
    """Seconds from the mail to what an event is about."""
    started = datetime.fromisoformat(event["mail"]["timestamp"])
    return (datetime.fromisoformat(event[kind.lower()]["timestamp"]) - started).total_seconds()


def _feedback(site: Site) -> Finding:
    site.witness.listen(0)
    with mailer(site) as mail:
        results = {box: sent(mail.send(hello(), to=f"{box}@{SIMULATOR}")) for box in MAILBOXES}
        delays: list[str] = []
        for box, kind in MAILBOXES.items():
            found = awaited(site, results[box].message_id, {kind}, f"no {kind} event of mail to {box}@{SIMULATOR}")
            delays.append(f"{kind} of {box} after {_delay(found[kind], kind):.1f} s")
        site.wait(lambda: _suppressed(mail), "bounce@ and complaint@ of the simulator are not suppressed")
    return confirmed(f"{'; '.join(delays)}. A second mail to bounce@ and complaint@ is suppressed.")


def _suppressed(mail: Mailer) -> bool:
    again = [mail.send(VerificationCode(code="424242"), to=f"{box}@{SIMULATOR}") for box in ("bounce", "complaint")]
    return all(result.recipients[0].status is Status.SUPPRESSED for result in again)


def _message_log(site: Site) -> Finding:
    with mailer(site) as mail:
        result = sent(mail.send(hello(), to=f"success+log@{SIMULATOR}"))
        awaited(site, result.message_id, {"Delivery"}, "no Delivery event")

        def look() -> str:
            outcome = mail.outcome(result.id)
            states = {str(one.state) for one in outcome.recipients}
            return ", ".join(sorted(states)) if states == {"delivered"} else ""

        said = site.wait(look, "the message log does not say that the mail was delivered")
    return confirmed(f"The message log says {said}.")


def _unlisted_recipient(site: Site) -> Finding:
    ses, name = site.client("sesv2"), site.options.prefix
    try:
        ses.create_contact_list(ContactListName=name)
    except ClientError as error:
        # https://docs.aws.amazon.com/ses/latest/dg/sending-email-list-management.html: one list an account.
        return unsettled(f"SES creates no contact list, an account has one: {code_of(error)}.")
    site.at_end.append(lambda: _without_list(ses, name))
    found = ses.send_email(
        **raw(site, f"success+unlisted@{SIMULATOR}"), ListManagementOptions={"ContactListName": name}
    )
    kinds = awaited(site, found["MessageId"], {"Delivery", "Bounce", "Reject"}, "no event of the mail").keys()
    _without_list(ses, name)
    return judged("Delivery" in kinds, f"Mail to somebody who is not on the list led to {', '.join(sorted(kinds))}.")


def _without_list(ses: Any, name: str) -> None:
    with suppress(ClientError):
        ses.delete_contact_list(ContactListName=name)


def raw(site: Site, to: str) -> dict[str, Any]:
    """Parameters of SendEmail for a plain mail."""
    return {
        "FromEmailAddress": site.outputs.sender,
        "Destination": {"ToAddresses": [to]},
        "Content": {"Simple": {"Subject": {"Data": "Live check"}, "Body": {"Text": {"Data": "Hello"}}}},
        "ConfigurationSetName": site.outputs.default_configuration_set,
    }


def _refusals(site: Site) -> Finding:
    """Ask for what SES refuses: the texts teach the local cloud."""
    said = list(_refused(site))
    accepted = [name for name, code in said if not code]
    words = "; ".join(f"{name}: {code}" for name, code in said if code)
    return refuted(f"SES accepted {', '.join(accepted)}.") if accepted else confirmed(f"{words}.")


def _refused(site: Site) -> Iterator[tuple[str, str]]:
    ses, good = site.client("sesv2"), raw(site, f"success@{SIMULATOR}")
    wrong: dict[str, dict[str, Any]] = {
        "a sender of another domain": {"FromEmailAddress": "ada@unverified.example.com"},
        "a configuration set that does not exist": {"ConfigurationSetName": f"{site.options.prefix}-none"},
        "51 recipients": {"Destination": {"ToAddresses": [f"success+{n}@{SIMULATOR}" for n in range(51)]}},
        "a header with a line break": {
            "Content": {**good["Content"], "Simple": {**good["Content"]["Simple"], "Headers": [_BROKEN]}}
        },
    }
    for name, change in wrong.items():
        try:
            ses.send_email(**{**good, **change})
        except ClientError as error:
            yield name, code_of(error)
        else:
            yield name, ""


_BROKEN = {"Name": "X-Live-Check", "Value": "one\r\ntwo"}

STEPS = (
    Step("feedback", "The simulator's events arrive, and suppress.", _feedback, needs=("verified",)),
    Step("message-log", "The message log knows what became of a mail.", _message_log, needs=("feedback",)),
    Step("refusals", "SES refuses what the library says it refuses.", _refusals, needs=("verified",)),
    Step(
        "unlisted-recipient",
        "Mail with list management reaches somebody who is not on the list.",
        _unlisted_recipient,
        needs=("feedback",),
    ),
)
