"""Sends in the first API: simple, raw, by template. Checks and effects are those of SES v2."""

import re
from typing import Any

from mailstack_localcloud.ses import mime, raw_headers
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.errors import bad_request
from mailstack_localcloud.ses.operations import sending
from mailstack_localcloud.ses.raw_sends import send_email_parameters
from mailstack_localcloud.ses.rendering import Filled, data, renderer

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html: bytes after base64 encoding, in the first API.
MAX_MESSAGE_BYTES = 10 * 1024 * 1024
_LINE_END = re.compile(rb"\r?\n")


async def send_email(context: Context, p: Parameters) -> Output:
    """SendEmail: subject and body."""
    return await _send(context, _addressed(p), Filled({"Simple": p["Message"]}), "SendEmail")


async def send_raw_email(context: Context, p: Parameters) -> Output:
    """SendRawEmail: to `Destinations`, or to those that the mail's headers name; with SES's own headers obeyed."""
    raw = _LINE_END.sub(b"\r\n", p["RawMessage"]["Data"])
    if len(raw) > MAX_MESSAGE_BYTES:
        raise bad_request(f"Message length is more than {MAX_MESSAGE_BYTES} bytes long: '{len(raw)}'.")
    found = raw_headers.parsed(raw)
    in_headers = [address for kind in ("to", "cc", "bcc") for address in raw_headers.mailboxes(found, kind)]
    named = list[str](p.get("Destinations", ())) or in_headers
    asked = send_email_parameters(p.get("Source", ""), [mime.bare(address) for address in named], raw)
    content = asked.pop("Content")
    # What the request says comes before what the mail's headers say; tags of both are not joined.
    given = {"ConfigurationSetName": p.get("ConfigurationSetName"), **identities_in(p), "EmailTags": p.get("Tags")}
    stated = {name: value for name, value in given.items() if value}
    return await _send(context, {**asked, **stated}, Filled(content), "SendRawEmail")


async def send_templated_email(context: Context, p: Parameters) -> Output:
    """SendTemplatedEmail: a template that is stored in SES."""
    template = renderer(context.state, stored_template(p))
    return await _send(context, _addressed(p), template.fill(data(p["TemplateData"])), "SendTemplatedEmail")


def stored_template(p: Parameters) -> dict[str, str]:
    """The template that a request names, under the second API's names."""
    return {"TemplateName": p["Template"], **({"TemplateArn": p["TemplateArn"]} if "TemplateArn" in p else {})}


async def _send(context: Context, p: Parameters, filled: Filled, operation: str) -> Output:
    return {"MessageId": await sending.send(context, p, filled, operation)}


def _addressed(p: Parameters) -> dict[str, Any]:
    return {
        "FromEmailAddress": p["Source"],
        "Destination": p["Destination"],
        "ReplyToAddresses": p.get("ReplyToAddresses", []),
        "ConfigurationSetName": p.get("ConfigurationSetName"),
        "EmailTags": p.get("Tags", []),
        "FeedbackForwardingEmailAddress": p.get("ReturnPath"),
        **identities_in(p),
    }


def identities_in(p: Parameters) -> dict[str, Any]:
    """The identities that a request names for its addresses, under the second API's names."""
    return {
        "FromEmailAddressIdentityArn": p.get("FromArn") or p.get("SourceArn"),
        "FeedbackForwardingEmailAddressIdentityArn": p.get("ReturnPathArn"),
    }


HANDLERS: dict[str, Handler] = {
    "SendEmail": send_email,
    "SendRawEmail": send_raw_email,
    "SendTemplatedEmail": send_templated_email,
}
