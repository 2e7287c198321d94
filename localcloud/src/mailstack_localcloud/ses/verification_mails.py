"""Mails with a link that verifies an address: SES's own, and custom ones. `control/mail_links.py` serves the page.

https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html#just-verify-email-proc
https://docs.aws.amazon.com/ses/latest/dg/send-email-verify-address-custom.html
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from mailstack_localcloud import virtual_time
from mailstack_localcloud.ses import ids
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.state import Occurrence, StoredMessage, VerificationLink
from mailstack_localcloud.ses.verification import confirm

# The sender of SES's own mails, and how long a link of either kind is valid.
SENDER = "no-reply-aws@amazon.com"
VALID_FOR = timedelta(hours=24)
PATH = "/_localcloud/verify/"
# The newest links are remembered.
_KEPT_LINKS = 10_000
_TEXT = """Dear Amazon Web Services customer,

somebody asked for this address to be allowed to send mail with Amazon SES in the region {region}. If it was you, follow
this link within 24 hours:

{url}

If it was not, leave it. (This mail was written by the local cloud; SES's own says the same.)
"""


def ask(context: Context, address: str) -> None:
    """Put SES's own mail with a link into the inbox."""
    region = context.state.region
    subject = f"Amazon Web Services \u2013 Email Address Verification Request in region {region}"
    text = _TEXT.format(region=region, url=link(context, address))
    deliver(context, SENDER, address, subject, {"Text": {"Data": text}})


def deliver(context: Context, sender: str, recipient: str, subject: str, body: Mapping[str, Mapping[str, str]]) -> str:
    """Put a mail of AWS's own into the inbox; its id. It is not a send: it counts nowhere and has no events."""
    state, now = context.state, datetime.now(UTC)
    message = StoredMessage(
        message_id=ids.message_id(state.region),
        accepted_at=now,
        source=sender,
        identity=sender,
        to=[recipient],
        cc=[],
        bcc=[],
        reply_to=[],
        subject=subject,
        content={"Simple": {"Subject": {"Data": subject, "Charset": "UTF-8"}, "Body": body}},
        configuration_set=None,
        tags={},
        size=sum(len(part["Data"].encode()) for part in body.values()),
    )
    kinds = (("Send", ""), ("Delivery", recipient))
    message.occurrences = [Occurrence(kind, now, ids.message_id(state.region), to) for kind, to in kinds]
    state.messages.add(message)
    return message.message_id


def deliver_text(context: Context, sender: str, recipient: str, subject: str, text: str) -> str:
    """Put a mail of AWS's own that is all text into the inbox; its id."""
    return deliver(context, sender, recipient, subject, {"Text": {"Data": text, "Charset": "UTF-8"}})


def link(context: Context, address: str, template: str = "") -> str:
    """A new link for an address; `template` names the custom mail that contains it."""
    links, token = context.state.verification_links, secrets.token_urlsafe(32)
    links[token] = VerificationLink(address, virtual_time.now(), template)
    while len(links) > _KEPT_LINKS:
        del links[next(iter(links))]
    return f"{context.backend.endpoint}{PATH}{token}"


def follow(context: Context, token: str) -> tuple[bool, str]:
    """Verify the address of a link; return whether that succeeded, and the template's redirect, which may be empty."""
    state = context.state
    found = state.verification_links.get(token)
    if found is None:
        return False, ""
    identity, template = state.identities.get(found.address), state.verification_templates.get(found.template)
    good = identity is not None and virtual_time.now() - found.sent_at <= VALID_FOR
    if identity is not None and good:
        confirm(identity)
    return good, (template.success_url if good else template.failure_url) if template else ""
