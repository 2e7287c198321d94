"""Bounces and complaints as mails to the sender, which SES forwards by default; here only on command.

https://docs.aws.amazon.com/ses/latest/dg/monitor-sending-activity-using-notifications-email.html
"""

from email import message_from_string
from email.message import EmailMessage
from email.policy import SMTP

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.ses import ids, mime
from mailstack_localcloud.ses.events import BOUNCES, FEEDBACK_TYPES
from mailstack_localcloud.ses.state import Occurrence, State, StoredMessage

BOUNCER, COMPLAINER = "MAILER-DAEMON@amazonses.com", "complaints@email-abuse.amazonses.com"
_SUBJECTS = {"Bounce": "Delivery Status Notification (Failure)", "Complaint": "Complaint about a message"}
_SENDERS = {"Bounce": BOUNCER, "Complaint": COMPLAINER}


def forward(_: Backend, state: State, message: StoredMessage, occurrences: list[Occurrence]) -> None:
    """Put a mail into the inbox for each bounce and complaint, where the account and the identity have it so."""
    identity = state.identities.get(message.identity)
    if not state.account.forward_feedback or identity is None or not identity.feedback_forwarding:
        return
    for occurrence in occurrences:
        if occurrence.kind in _SENDERS:
            state.messages.add(_mail(state, message, occurrence))


def _mail(state: State, message: StoredMessage, occurrence: Occurrence) -> StoredMessage:
    sender, to = _SENDERS[occurrence.kind], _destination(message)
    raw = _report(message, occurrence, sender, to).as_bytes()
    kinds = (("Send", ""), ("Delivery", to))
    return StoredMessage(
        message_id=ids.message_id(state.region),
        accepted_at=occurrence.at,
        source=sender,
        identity=sender,
        to=[to],
        cc=[],
        bcc=[],
        reply_to=[],
        subject=_SUBJECTS[occurrence.kind],
        content={"Raw": {"Data": raw}},
        configuration_set=None,
        tags={},
        size=len(raw),
        occurrences=[Occurrence(kind, occurrence.at, "", recipient) for kind, recipient in kinds],
    )


def _destination(message: StoredMessage) -> str:
    in_header = next((value for name, value in mime.headers(message) if name.lower() == "return-path"), "")
    return mime.bare(message.return_path or message.mail_from or in_header or message.source)


def _report(message: StoredMessage, occurrence: Occurrence, sender: str, to: str) -> EmailMessage:
    """Words for people, a delivery status (RFC 3464) or a feedback report (RFC 5965), and the headers of the mail."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, to, _SUBJECTS[occurrence.kind]
    if occurrence.kind == "Bounce":
        bounce_type, status, diagnostic = BOUNCES[occurrence.detail]
        said = (
            f"An error occurred while trying to deliver the mail to the following recipients:\n{occurrence.recipient}\n"
        )
        report = (
            "Reporting-MTA: dns; amazonses.com\r\n\r\n"
            f"Final-Recipient: rfc822; {occurrence.recipient}\r\nAction: failed\r\nStatus: {status or '4.0.0'}\r\n"
            f"Diagnostic-Code: {diagnostic if diagnostic.startswith('smtp;') else f'x-amz; {bounce_type}'}\r\n"
        )
    else:
        said = f"{occurrence.recipient} complained about the mail {message.subject!r}.\n"
        kind = occurrence.detail if occurrence.detail in FEEDBACK_TYPES else "other"
        report = f"Feedback-Type: {kind}\r\nUser-Agent: AmazonSES/0.1\r\nVersion: 0.1\r\n"
    mail.set_content(said)
    mail.make_mixed()
    mail.set_type("multipart/report")
    mail.set_param("report-type", _REPORTS[occurrence.kind])
    headers = "".join(f"{name}: {value}\r\n" for name, value in mime.headers(message))
    for kind, text in ((f"message/{_REPORTS[occurrence.kind]}", report), ("text/rfc822-headers", headers)):
        mail.attach(message_from_string(f"Content-Type: {kind}\r\n\r\n{text}", policy=SMTP))
    return mail


_REPORTS = {"Bounce": "delivery-status", "Complaint": "feedback-report"}
