"""What SES, Microsoft 365, Postfix and others reply over SMTP, and which error of ours each is: a table.

Not for when a reply came: `mailer.transports.smtp_connection.Moment` decides about silence alone, because a reply of
4xx or 5xx says that the message was not accepted (RFC 5321 §4.2.1), whenever it comes.
"""

import re
from typing import NamedTuple

from mailer.errors import (
    AccessDenied,
    AccountSuspended,
    CredentialsInvalid,
    CredentialsMissing,
    IdentityNotVerified,
    OutcomeUnknown,
    QuotaExceeded,
    Refused,
    ResourceNotFound,
    SendingPaused,
    TemporaryFailure,
    Throttled,
    TransportError,
    Unreachable,
)
from mailer.redaction import mask_all
from mailer.transports.smtp_connection import Lost, Moment, NoLogin, SmtpReply


class Row(NamedTuple):
    """One row: a reply and what it means.

    Attributes:
        reply: Regular expression of the whole reply, `code words`, ignoring case.
        error: Our class.
        cause: Why, one sentence.
        hint: What to do next.
    """

    reply: str
    error: type[TransportError]
    cause: str
    hint: str


_GUIDE, _MICROSOFT = "docs/guides/smtp.md", "docs/guides/microsoft365.md"
# https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/
# non-delivery-reports-in-exchange-online, and how-to-set-up-a-multifunction-device-or-application there.
_MICROSOFT_365 = (
    Row(
        r"535 5\.7\.139.*(SmtpClientAuthentication is disabled|smtp_auth_disabled)",
        AccessDenied,
        "SMTP AUTH is disabled for the tenant or the mailbox.",
        f"Run Set-CASMailbox -SmtpClientAuthenticationDisabled $false: {_MICROSOFT}#535-57139",
    ),
    Row(
        r"535 5\.7\.139",
        AccessDenied,
        "Microsoft 365 refuses this login: SMTP AUTH or basic authentication is disabled, or a policy blocks it.",
        f"See {_MICROSOFT}#535-57139",
    ),
    Row(
        r"(535|550) 5\.7\.30\b",
        AccessDenied,
        "Microsoft 365 no longer takes passwords over SMTP in this tenant.",
        f"Use Microsoft365Transport with a client secret (OAuth): {_MICROSOFT}#550-5730",
    ),
    Row(
        r"535 5\.7\.3\b",
        CredentialsInvalid,
        "Microsoft 365 refuses the user name, the password or the token.",
        f"See {_MICROSOFT}#535-573",
    ),
    Row(
        r"5\d\d 5\.(7\.60|2\.252)\b|5\d\d .*SendAsDenied",
        AccessDenied,
        "The mailbox may not send as the From address.",
        f"Send from the mailbox's own address, or grant it Send As: {_MICROSOFT}#550-5760",
    ),
    Row(
        r"5\d\d 5\.7\.57\b",
        CredentialsMissing,
        "Microsoft 365 wants a login before it takes mail.",
        f"Set up a login: {_MICROSOFT}",
    ),
    Row(
        r"432 4\.3\.2\b",
        Throttled,
        "The mailbox has more connections than Microsoft 365 allows: three at the same time.",
        f"Send from fewer threads and processes: {_MICROSOFT}#432-432",
    ),
    Row(
        r"\d\d\d [45]\.\d\.\d+ .*(sending limit|message rate|RecipientRateLimit|SubmissionQuota)|55\d 5\.1\.90\b",
        QuotaExceeded,
        "The mailbox has used up its sending limit.",
        f"Wait, or send through another service: {_MICROSOFT}#sending-limits",
    ),
)
# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html
SES_ROWS = (
    Row(
        r"454 Throttling failure:.*daily",
        QuotaExceeded,
        "The quota of the last 24 hours is used up; it counts recipients.",
        "Wait, or ask AWS for a higher quota.",
    ),
    Row(
        r"454 Throttling failure",
        Throttled,
        "More recipients a second than the account's rate allows.",
        "Send more slowly, or ask AWS for a higher rate.",
    ),
    Row(
        r"554 Access denied",
        AccessDenied,
        "The SMTP user may not send this mail.",
        "Its policy must allow ses:SendRawEmail for the identity and the configuration set: docs/guides/access.md",
    ),
    Row(
        r"554 Message rejected:.*not verified",
        IdentityNotVerified,
        "The sender's identity is not verified in this region; in the SES sandbox a recipient's must be, too.",
        "Deploy the stack and wait until SES finds its DNS records; in the sandbox, verify the recipient.",
    ),
    Row(
        r"554 .*(suspended|shut ?down)",
        AccountSuspended,
        "AWS suspended sending for this account.",
        "Read AWS's mail to the address of the account, fix the cause, and answer the support case.",
    ),
    Row(
        r"554 .*(sending (is )?(paused|disabled)|is paused|paused for)",
        SendingPaused,
        "Sending is paused for the configuration set or the account.",
        "Find the reason first, then: mailer resume STREAM.",
    ),
    Row(
        r"5\d\d Configuration set does not exist",
        ResourceNotFound,
        "The configuration set is not in this region.",
        "Deploy the stack, and check that its outputs are those of this region and account.",
    ),
)
# RFC 5321 §4.2.3, RFC 4954 §6, RFC 3463, https://www.postfix.org/SMTPD_ACCESS_README.html
_ANY = (
    Row(
        r"421 .*(too many|connections|rate)",
        Throttled,
        "The server has too many connections of this client.",
        f"Send from fewer threads and processes: {_GUIDE}#connections",
    ),
    Row(
        r"421", TemporaryFailure, "The server closes the connection.", "It is tried again; if it lasts, ask its owner."
    ),
    Row(
        r"454 .*authentication",
        TemporaryFailure,
        "The server cannot check the login for now.",
        "It is tried again; if it lasts, ask the server's owner.",
    ),
    Row(
        r"4\d\d .*(too (fast|many)|rate limit|throttl)|4\d\d 4\.7\.28",
        Throttled,
        "The server limits the rate of this client.",
        "Send more slowly.",
    ),
    Row(
        r"452 4\.2\.2|452 .*(mailbox|over quota)|422",
        TemporaryFailure,
        "The mailbox is full.",
        "Send again later, or ask the recipient by another way.",
    ),
    Row(
        r"530 .*STARTTLS|538|523",
        AccessDenied,
        "The server wants TLS before a login.",
        'Use security="starttls", or "tls" with the port for TLS.',
    ),
    Row(r"530", CredentialsMissing, "The server wants a login.", "Pass a user name and a password."),
    Row(
        r"535|534|5\d\d 5\.7\.8",
        CredentialsInvalid,
        "The server refuses the user name or the password.",
        "Check both. SES: the SMTP password is not the secret access key, and holds for one region: "
        f"{_GUIDE}#amazon-ses-over-smtp",
    ),
    Row(
        r"55[0234].*(relay(ing)? (access )?(denied|not permitted)|unable to relay)",
        AccessDenied,
        "The server does not relay mail for this client.",
        "Log in, or have the server's owner allow this client (Postfix: mynetworks, permit_sasl_authenticated).",
    ),
    Row(
        r"55[03] .*(not owned by user|sender address rejected)",
        AccessDenied,
        "The login may not send from this address.",
        "Send from an address of the login, or have the server's owner allow it (Postfix: smtpd_sender_login_maps).",
    ),
    Row(
        r"552 5\.2\.2|55[02] .*(mailbox full|over quota)",
        Refused,
        "The mailbox is full.",
        "Ask the recipient by another way.",
    ),
    Row(
        r"552|5\d\d 5\.3\.4|5\d\d .*(too (large|long|big)|size limit)",
        Refused,
        "The message is larger than the server allows.",
        "Send a link to the file instead.",
    ),
    Row(
        r"55\d 5\.1\.[0-36]\b|55[013] .*(user unknown|no such user|mailbox unavailable|recipient .*rejected)",
        Refused,
        "The mailbox does not exist.",
        "Correct the address.",
    ),
    Row(
        r"5\d\d 5\.7\.",
        Refused,
        "The server's policy refuses the message or its sender.",
        "Read the server's reply; check SPF, DKIM and DMARC of the sender's domain.",
    ),
    Row(
        r"4\d\d 4\.7\.",
        TemporaryFailure,
        "The server's policy refuses the message for now, such as by greylisting.",
        "It is tried again; if it lasts, send again in some minutes.",
    ),
    Row(
        r"4\d\d",
        TemporaryFailure,
        "The server refused for now.",
        "It is tried again; if it lasts, send again later.",
    ),
    Row(r"", Refused, "The server refuses the message.", "Read the server's reply; the message was not sent."),
)
REPLIES = (*_MICROSOFT_365, *SES_ROWS, *_ANY)

# What ends without a reply, by moment.
SILENCE = {
    Moment.BEFORE: Row(
        "",
        Unreachable,
        "The connection to the SMTP server failed before the message was complete, so nothing was sent.",
        "Check host, port, firewall and certificate, then send again.",
    ),
    Moment.AFTER: Row(
        "",
        OutcomeUnknown,
        "The whole message was written and the server's reply never came: it may or may not have been accepted.",
        "Do not send it again blindly; look for its Message-ID in the server's log.",
    ),
}


def classify(reply: SmtpReply) -> TransportError:
    """The error of ours that a reply is, with the server's own words and every address in them masked.

    Example:
        >>> error = classify(SmtpReply(454, "Throttling failure: Maximum sending rate exceeded."))
        >>> type(error).__name__, error.code, error.retryable
        ('Throttled', '454', True)
    """
    said = f"{reply.code} {mask_all(reply.words[:2_000])}".strip()
    row = next(row for row in REPLIES if re.match(row.reply, f"{reply.code} {reply.words[:2_000]}", re.IGNORECASE))
    return row.error(f"{row.cause} {said}", hint=row.hint, code=str(reply.code))


def classify_silence(lost: Lost) -> TransportError:
    """The error of ours that a lost connection is."""
    row = SILENCE[lost.moment]
    return row.error(f"{row.cause} {mask_all(str(lost))}", hint=row.hint)


def classify_no_login(error: NoLogin) -> TransportError:
    """The error of ours where the server lacks what a login needs."""
    return AccessDenied(
        f"No login at the SMTP server: {error}.",
        hint="Check port and security: STARTTLS on 587, TLS on 465.",
    )
