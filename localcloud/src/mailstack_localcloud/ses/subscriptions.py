"""Subscription management of contact lists: unsubscribed contacts, unsubscribe links, effects of a click. Pure.

https://docs.aws.amazon.com/ses/latest/dg/sending-email-subscription-management.html
"""

import json
import re
from collections.abc import Collection
from datetime import datetime
from email.parser import BytesParser
from email.policy import SMTP
from typing import Any

from mailstack_localcloud.ses.rendering import UNSUBSCRIBE_URL
from mailstack_localcloud.ses.state import Contact, ContactList

# SES fills in its link this often in each part.
_MAX_LINKS = 2
_PLACEHOLDER = re.compile(r"\{\{\s*" + UNSUBSCRIBE_URL + r"\s*\}\}")


def wants(contact_list: ContactList, address: str, topic: str) -> bool:
    """Whether mail of a list, or of one of its topics if it is not empty, may go to an address.

    A recipient who is not on the list has left nothing (not verified on live SES).
    """
    contact = contact_list.contacts.get(address.lower())
    if contact is None:
        return True
    return not contact.unsubscribed_from_all and (not topic or status(contact_list, contact, topic) == "OPT_IN")


def status(contact_list: ContactList, contact: Contact, topic: str) -> str:
    """A contact's status for a topic: its own, or else the topic's default."""
    return contact.preferences.get(topic) or defaults(contact_list)[topic]


def defaults(contact_list: ContactList) -> dict[str, str]:
    """The status of each topic for who never said anything about it."""
    return {topic["TopicName"]: topic["DefaultSubscriptionStatus"] for topic in contact_list.topics}


def with_links(content: dict[str, Any], url: str) -> dict[str, Any]:
    """The content with the link in place of `{{amazonSESUnsubscribeUrl}}`, and the headers for one click (RFC 8058)."""
    headers = {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    if "Raw" in content:
        return {"Raw": {"Data": _raw_with_links(content["Raw"]["Data"], headers, url)}}
    simple = content["Simple"]
    body = {kind: {**part, "Data": _linked(part["Data"], url)} for kind, part in simple["Body"].items()}
    names = {name.lower() for name in headers}
    kept = [header for header in simple.get("Headers", ()) if header["Name"].lower() not in names]
    own = [{"Name": name, "Value": value} for name, value in headers.items()]
    return {"Simple": {**simple, "Body": body, "Headers": [*kept, *own]}}


def leave(contact_list: ContactList, address: str, topic: str, now: datetime) -> str:
    """Take an address off a topic, or off the whole list; what a Subscription event tells, as JSON."""
    topics = [topic] if topic else defaults(contact_list)
    contact = contact_list.contacts.get(address.lower())
    left = not topic or (contact is not None and contact.unsubscribed_from_all)
    return _changed(contact_list, address, dict.fromkeys(topics, "OPT_OUT"), now, ("UnsubscribeHeader", left))


def choose(contact_list: ContactList, address: str, topics: Collection[str] | None, now: datetime) -> str:
    """Set the topics of an address, or None to leave the list; return the detail of the Subscription event.

    The source that SES reports for a choice on its page is not verified on live SES.
    """
    wanted = topics or frozenset[str]()
    preferences = {topic: "OPT_IN" if topic in wanted else "OPT_OUT" for topic in defaults(contact_list)}
    return _changed(contact_list, address, preferences, now, ("PreferencesPage", topics is None))


def chosen(contact_list: ContactList, address: str) -> tuple[bool, set[str]]:
    """Whether an address has left the list, and the topics that it gets."""
    contact = contact_list.contacts.get(address.lower())
    own = contact.preferences if contact else {}
    topics = {topic for topic, default in defaults(contact_list).items() if own.get(topic, default) == "OPT_IN"}
    return contact is not None and contact.unsubscribed_from_all, topics


def _changed(
    contact_list: ContactList, address: str, preferences: dict[str, str], now: datetime, how: tuple[str, bool]
) -> str:
    """Change a contact; `how` is what did it, and whether the contact has left the list then."""
    source, left = how
    contact = contact_list.contacts.setdefault(address.lower(), Contact(address, now, now))
    before = _preferences(contact_list, contact)
    contact.preferences = {**contact.preferences, **preferences}
    contact.unsubscribed_from_all, contact.updated_at = left, now
    return json.dumps(
        {
            "contactList": contact_list.name,
            "source": source,
            "newTopicPreferences": _preferences(contact_list, contact),
            "oldTopicPreferences": before,
        }
    )


def _preferences(contact_list: ContactList, contact: Contact) -> dict[str, Any]:
    shown = {"OPT_IN": "OptIn", "OPT_OUT": "OptOut"}
    return {
        "unsubscribeAll": contact.unsubscribed_from_all,
        "topicSubscriptionStatus": [
            {"topicName": topic, "subscriptionStatus": shown[status(contact_list, contact, topic)]}
            for topic in defaults(contact_list)
        ],
    }


def _linked(text: str, url: str) -> str:
    return _PLACEHOLDER.sub(lambda _: url, text, count=_MAX_LINKS)


def _raw_with_links(raw: bytes, headers: dict[str, str], url: str) -> bytes:
    mail = BytesParser(policy=SMTP).parsebytes(raw)
    for name, value in headers.items():
        del mail[name]
        mail[name] = value
    for part in mail.walk():
        if part.get_content_type() in {"text/plain", "text/html"} and not part.is_attachment():
            text = str(part.get_content())
            if _PLACEHOLDER.search(text):
                part.set_content(_linked(text, url), subtype=part.get_content_subtype())
    return mail.as_bytes()
