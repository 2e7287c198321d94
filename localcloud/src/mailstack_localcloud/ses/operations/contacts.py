"""Contact lists, their topics and contacts."""

import re
from datetime import UTC, datetime
from typing import Any

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page, tag_dict, tag_list
from mailstack_localcloud.ses.errors import SesError, bad_request
from mailstack_localcloud.ses.rules import address_problem
from mailstack_localcloud.ses.state import Contact, ContactList
from mailstack_localcloud.ses.subscriptions import defaults, status

# https://docs.aws.amazon.com/ses/latest/dg/sending-email-list-management.html
MAX_LISTS = 1
MAX_TOPICS = 20
MAX_DISPLAY_NAME, MAX_DESCRIPTION = 128, 500
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAMES = "can contain up to 64 characters. Only alphanumeric characters, underscores(_) and hyphens(-) are allowed."


def create_list(context: Context, p: Parameters) -> Output:
    """CreateContactList: an account has one, which is what SES says of the same name again, too."""
    name, lists = str(p["ContactListName"]), context.state.contact_lists
    if not _NAME.fullmatch(name):
        raise bad_request(f"ContactListName {_NAMES}")
    now = datetime.now(UTC)
    topics = _topics(p)
    if len(lists) >= MAX_LISTS:
        raise bad_request(f"A maximum of {MAX_LISTS} Lists allowed per account.")
    lists[name] = ContactList(name, now, now, topics, p.get("Description"), tags=tag_dict(p.get("Tags", [])))
    return {}


def get_list(context: Context, p: Parameters) -> Output:
    """GetContactList."""
    found = _list(context, p)
    return {
        "ContactListName": found.name,
        "Topics": found.topics,
        "Description": found.description,
        "CreatedTimestamp": found.created_at,
        "LastUpdatedTimestamp": found.updated_at,
        "Tags": tag_list(found.tags),
    }


def update_list(context: Context, p: Parameters) -> Output:
    """UpdateContactList: replaces topics and description, each where it is given."""
    found = _list(context, p)
    topics = _topics(p)
    found.topics = topics if "Topics" in p else found.topics
    found.description = p.get("Description", found.description)
    found.updated_at = datetime.now(UTC)
    return {}


def delete_list(context: Context, p: Parameters) -> Output:
    """DeleteContactList, with its contacts."""
    del context.state.contact_lists[_list(context, p).name]
    return {}


def list_lists(context: Context, p: Parameters) -> Output:
    """ListContactLists."""
    shown, token = page([*context.state.contact_lists.values()], p)
    lists = [{"ContactListName": one.name, "LastUpdatedTimestamp": one.updated_at} for one in shown]
    return {"ContactLists": lists, "NextToken": token}


def create(context: Context, p: Parameters) -> Output:
    """CreateContact."""
    found, address = _list(context, p), str(p["EmailAddress"])
    problem = address_problem(address)
    if problem:
        raise bad_request(problem)
    if address.lower() in found.contacts:
        raise SesError("AlreadyExistsException", f"{address} already exists in List.")
    now = datetime.now(UTC)
    contact = Contact(address, now, now)
    _set(found, contact, p)
    found.contacts[address.lower()] = contact
    return {}


def get(context: Context, p: Parameters) -> Output:
    """GetContact."""
    found = _list(context, p)
    contact = _contact(found, p)
    return {
        "ContactListName": found.name,
        **_view(found, contact),
        "AttributesData": contact.attributes,
        "CreatedTimestamp": contact.created_at,
    }


def update(context: Context, p: Parameters) -> Output:
    """UpdateContact: preferences join those that are there; of the rest, what is left out is gone."""
    found = _list(context, p)
    contact = _contact(found, p)
    _set(found, contact, p)
    contact.updated_at = datetime.now(UTC)
    return {}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteContact."""
    found = _list(context, p)
    del found.contacts[_contact(found, p).address.lower()]
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListContacts, by status for the list or for a topic."""
    found = _list(context, p)
    matching = [contact for contact in found.contacts.values() if _matches(found, contact, p.get("Filter", {}))]
    shown, token = page(matching, p)
    return {"Contacts": [_view(found, contact) for contact in shown], "NextToken": token}


def _matches(found: ContactList, contact: Contact, wanted: dict[str, Any]) -> bool:
    topic = wanted.get("TopicFilter", {})
    name = topic.get("TopicName")
    if not name:
        own = "OPT_OUT" if contact.unsubscribed_from_all else "OPT_IN"
    elif topic.get("UseDefaultIfPreferenceUnavailable"):
        own = status(found, contact, name) if name in defaults(found) else None
    else:
        own = contact.preferences.get(name)
    return own is not None and wanted.get("FilteredStatus", own) == own


def _set(found: ContactList, contact: Contact, p: Parameters) -> None:
    preferences = {one["TopicName"]: one["SubscriptionStatus"] for one in p.get("TopicPreferences", [])}
    unknown = preferences.keys() - defaults(found).keys()
    if unknown:
        raise bad_request(f"List: {found.name} doesn't contain Topic: {min(unknown)}")
    contact.preferences = {**contact.preferences, **preferences}
    contact.unsubscribed_from_all = bool(p.get("UnsubscribeAll", False))
    contact.attributes = p.get("AttributesData")


def _view(found: ContactList, contact: Contact) -> Output:
    own = contact.preferences
    return {
        "EmailAddress": contact.address,
        "TopicPreferences": _statuses(own),
        "TopicDefaultPreferences": _statuses({t: s for t, s in defaults(found).items() if t not in own}),
        "UnsubscribeAll": contact.unsubscribed_from_all,
        "LastUpdatedTimestamp": contact.updated_at,
    }


def _statuses(by_topic: dict[str, str]) -> list[dict[str, str]]:
    return [{"TopicName": topic, "SubscriptionStatus": value} for topic, value in by_topic.items()]


def _topics(p: Parameters) -> list[dict[str, str]]:
    topics = list[dict[str, str]](p.get("Topics", []))
    names = {topic["TopicName"] for topic in topics}
    problems = (
        (len(topics) > MAX_TOPICS, f"Maximum of <{MAX_TOPICS}> topics allowed per ContactList"),
        (not all(map(_NAME.fullmatch, names)), f"TopicName {_NAMES}"),
        (
            any(len(topic["DisplayName"]) > MAX_DISPLAY_NAME for topic in topics),
            f"Topic DisplayName can contain up to <{MAX_DISPLAY_NAME}> characters.",
        ),
        (len(names) < len(topics), "Duplicate topic names are not allowed within a List."),
        (
            len(p.get("Description", "")) > MAX_DESCRIPTION,
            f"List description can contain up to {MAX_DESCRIPTION} characters.",
        ),
    )
    for wrong, text in problems:
        if wrong:
            raise bad_request(text)
    return topics


def _list(context: Context, p: Parameters) -> ContactList:
    return context.contact_list(str(p["ContactListName"]))


def _contact(found: ContactList, p: Parameters) -> Contact:
    address = str(p["EmailAddress"])
    if address.lower() not in found.contacts:
        raise SesError("NotFoundException", f"{address} doesn't exist in List.")
    return found.contacts[address.lower()]


HANDLERS: dict[str, Handler] = {
    "CreateContactList": create_list,
    "GetContactList": get_list,
    "UpdateContactList": update_list,
    "DeleteContactList": delete_list,
    "ListContactLists": list_lists,
    "CreateContact": create,
    "GetContact": get,
    "UpdateContact": update,
    "DeleteContact": delete,
    "ListContacts": list_,
}
