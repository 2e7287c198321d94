"""Contact lists, their topics and contacts."""

from datetime import UTC, datetime
from typing import Any

from localcloud.ses.context import Context, Handler, Output, Parameters, page, tag_dict, tag_list
from localcloud.ses.errors import SesError, already_exists, bad_request, not_found
from localcloud.ses.rules import address_problem
from localcloud.ses.state import Contact, ContactList
from localcloud.ses.subscriptions import defaults, status

# https://docs.aws.amazon.com/ses/latest/dg/sending-email-list-management.html
MAX_LISTS = 1
MAX_TOPICS = 20


def create_list(context: Context, p: Parameters) -> Output:
    """CreateContactList: an account has one."""
    name, lists = str(p["ContactListName"]), context.state.contact_lists
    if name in lists:
        raise already_exists("Contact list", name)
    if len(lists) >= MAX_LISTS:
        raise SesError("LimitExceededException", "Maximum number of contact lists exceeded.")
    now = datetime.now(UTC)
    topics = _topics(p)
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
    """UpdateContactList: replaces topics and description."""
    found = _list(context, p)
    found.topics, found.description = _topics(p), p.get("Description")
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
        raise already_exists("Contact", address)
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
    """UpdateContact: replaces the preferences; attributes stay unless they are given."""
    found = _list(context, p)
    contact = _contact(found, p)
    _set(found, contact, {"AttributesData": contact.attributes, **p})
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
        raise not_found("Topic", min(unknown))
    contact.preferences = preferences
    contact.unsubscribed_from_all = bool(p.get("UnsubscribeAll", False))
    contact.attributes = p.get("AttributesData")


def _view(found: ContactList, contact: Contact) -> Output:
    return {
        "EmailAddress": contact.address,
        "TopicPreferences": _statuses(contact.preferences),
        "TopicDefaultPreferences": _statuses(defaults(found)),
        "UnsubscribeAll": contact.unsubscribed_from_all,
        "LastUpdatedTimestamp": contact.updated_at,
    }


def _statuses(by_topic: dict[str, str]) -> list[dict[str, str]]:
    return [{"TopicName": topic, "SubscriptionStatus": value} for topic, value in by_topic.items()]


def _topics(p: Parameters) -> list[dict[str, str]]:
    topics = list[dict[str, str]](p.get("Topics", []))
    if len(topics) > MAX_TOPICS:
        raise SesError("LimitExceededException", f"A contact list has at most {MAX_TOPICS} topics.")
    if len({topic["TopicName"] for topic in topics}) < len(topics):
        raise bad_request("Topic names must differ.")
    return topics


def _list(context: Context, p: Parameters) -> ContactList:
    return context.contact_list(str(p["ContactListName"]))


def _contact(found: ContactList, p: Parameters) -> Contact:
    address = str(p["EmailAddress"])
    if address.lower() not in found.contacts:
        raise not_found("Contact", address)
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
