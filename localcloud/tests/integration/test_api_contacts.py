"""Contact lists of the emulated SES, and how recipients leave them, through boto3 and a mail client's click."""

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud import LocalCloud
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

LIST = "customers"
TOPICS: Any = [
    {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_IN"},
    {"TopicName": "offers", "DisplayName": "Offers", "DefaultSubscriptionStatus": "OPT_OUT"},
]
BODY = "<a href='{{amazonSESUnsubscribeUrl}}'>1</a> {{amazonSESUnsubscribeUrl}} {{amazonSESUnsubscribeUrl}}"


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    client = cloud.client("sesv2")
    client.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    client.create_contact_list(ContactListName=LIST, Topics=TOPICS, Description="All of them")
    return client


def send(ses: "SESV2Client", *to: str, topic: str = "", content: Any = None) -> str:
    simple: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Html": {"Data": BODY}}}}
    options: Any = {"ContactListName": LIST, **({"TopicName": topic} if topic else {})}
    sent = ses.send_email(
        FromEmailAddress="ada@example.test",
        Destination={"ToAddresses": list(to or ("bob@example.com",))},
        Content=content or simple,
        ListManagementOptions=options,
    )
    return sent["MessageId"]


def mail(cloud: LocalCloud, message_id: str) -> Any:
    return cloud.control("GET", f"messages/{message_id}")


def headers(found: Any) -> dict[str, str]:
    return {header["name"]: header["value"] for header in found["events"][0]["mail"]["headers"]}


def click(url: str) -> int:
    request = urllib.request.Request(  # noqa: S310 - the local cloud's own link
        url, b"List-Unsubscribe=One-Click", {"Content-Type": "application/x-www-form-urlencoded"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        return int(answer.status)


def test_a_list_keeps_its_topics_and_an_account_has_one(ses: "SESV2Client"):
    found = ses.get_contact_list(ContactListName=LIST)
    assert (found.get("Topics"), found.get("Description")) == (TOPICS, "All of them")
    ses.update_contact_list(ContactListName=LIST, Topics=TOPICS[:1])
    ses.update_contact_list(ContactListName=LIST, Description="Some of them")
    found = ses.get_contact_list(ContactListName=LIST)
    assert (found.get("Topics"), found.get("Description")) == (TOPICS[:1], "Some of them")
    assert [one.get("ContactListName") for one in ses.list_contact_lists()["ContactLists"]] == [LIST]
    for name in ("another", LIST):
        with pytest.raises(ses.exceptions.BadRequestException, match="A maximum of 1 Lists allowed per account"):
            ses.create_contact_list(ContactListName=name)
    ses.delete_contact_list(ContactListName=LIST)
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_contact_list(ContactListName=LIST)


def test_a_contact_has_preferences_and_attributes(ses: "SESV2Client"):
    wants: Any = [{"TopicName": "offers", "SubscriptionStatus": "OPT_IN"}]
    ses.create_contact(
        ContactListName=LIST, EmailAddress="Bob@example.com", TopicPreferences=wants, AttributesData='{"a": 1}'
    )
    ses.update_contact(ContactListName=LIST, EmailAddress="bob@example.com", UnsubscribeAll=True)
    found = ses.get_contact(ContactListName=LIST, EmailAddress="bob@example.com")
    assert (found["TopicPreferences"], found["UnsubscribeAll"]) == (wants, True)
    assert "AttributesData" not in found
    assert found["TopicDefaultPreferences"] == [{"TopicName": "news", "SubscriptionStatus": "OPT_IN"}]
    ses.update_contact(
        ContactListName=LIST,
        EmailAddress="bob@example.com",
        TopicPreferences=[{"TopicName": "news", "SubscriptionStatus": "OPT_OUT"}],
    )
    found = ses.get_contact(ContactListName=LIST, EmailAddress="bob@example.com")
    assert {one["TopicName"]: one["SubscriptionStatus"] for one in found["TopicPreferences"]} == {
        "offers": "OPT_IN",
        "news": "OPT_OUT",
    }
    assert (found["TopicDefaultPreferences"], found["UnsubscribeAll"]) == ([], False)
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_contact(ContactListName=LIST, EmailAddress="bob@example.com")
    unknown: Any = [{"TopicName": "sports", "SubscriptionStatus": "OPT_IN"}]
    with pytest.raises(ses.exceptions.BadRequestException, match="doesn't contain Topic: sports"):
        ses.update_contact(ContactListName=LIST, EmailAddress="bob@example.com", TopicPreferences=unknown)
    with pytest.raises(ses.exceptions.BadRequestException):
        ses.create_contact(ContactListName=LIST, EmailAddress="nobody")
    ses.delete_contact(ContactListName=LIST, EmailAddress="bob@example.com")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_contact(ContactListName=LIST, EmailAddress="bob@example.com")


def test_contacts_are_listed_by_status_and_page(ses: "SESV2Client"):
    own: Any = [{"TopicName": "news", "SubscriptionStatus": "OPT_OUT"}]
    ses.create_contact(ContactListName=LIST, EmailAddress="a@example.com")
    ses.create_contact(ContactListName=LIST, EmailAddress="b@example.com", TopicPreferences=own)
    ses.create_contact(ContactListName=LIST, EmailAddress="c@example.com", UnsubscribeAll=True)

    def listed(**wanted: Any) -> list[str]:
        only: Any = wanted
        found = ses.list_contacts(ContactListName=LIST, Filter=only)["Contacts"]
        return [contact.get("EmailAddress", "")[0] for contact in found]

    assert listed() == ["a", "b", "c"]
    assert (listed(FilteredStatus="OPT_IN"), listed(FilteredStatus="OPT_OUT")) == (["a", "b"], ["c"])
    news = {"TopicName": "news", "UseDefaultIfPreferenceUnavailable": True}
    assert listed(FilteredStatus="OPT_IN", TopicFilter=news) == ["a", "c"]
    assert listed(FilteredStatus="OPT_OUT", TopicFilter={"TopicName": "news"}) == ["b"]
    first = ses.list_contacts(ContactListName=LIST, PageSize=2)
    rest = ses.list_contacts(ContactListName=LIST, PageSize=2, NextToken=first["NextToken"])
    assert [len(page["Contacts"]) for page in (first, rest)] == [2, 1]


def test_one_click_unsubscribe_suppresses_further_mail(cloud: LocalCloud, ses: "SESV2Client"):
    message_id = send(ses, topic="news")
    written = headers(mail(cloud, message_id))
    assert written["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = written["List-Unsubscribe"].strip("<>")

    assert click(link) == 200
    found = mail(cloud, message_id)
    assert [event["eventType"] for event in found["events"]] == ["Send", "Delivery", "Subscription"]
    subscription = found["events"][-1]["subscription"]
    assert subscription.pop("timestamp").endswith("Z")
    assert subscription == {
        "contactList": LIST,
        "source": "UnsubscribeHeader",
        "newTopicPreferences": {
            "unsubscribeAll": False,
            "topicSubscriptionStatus": [
                {"topicName": "news", "subscriptionStatus": "OptOut"},
                {"topicName": "offers", "subscriptionStatus": "OptOut"},
            ],
        },
        "oldTopicPreferences": {
            "unsubscribeAll": False,
            "topicSubscriptionStatus": [
                {"topicName": "news", "subscriptionStatus": "OptIn"},
                {"topicName": "offers", "subscriptionStatus": "OptOut"},
            ],
        },
    }
    again = mail(cloud, send(ses, topic="news"))["events"]
    assert [event["eventType"] for event in again] == ["Send", "Bounce"]
    assert again[1]["bounce"]["bounceSubType"] == "UnsubscribedRecipient"
    assert not ses.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert len(mail(cloud, send(ses))["events"]) == 2


def test_without_a_topic_a_click_leaves_the_whole_list(cloud: LocalCloud, ses: "SESV2Client"):
    click(headers(mail(cloud, send(ses)))["List-Unsubscribe"].strip("<>"))
    assert ses.get_contact(ContactListName=LIST, EmailAddress="bob@example.com")["UnsubscribeAll"] is True
    assert mail(cloud, send(ses, topic="news"))["events"][1]["eventType"] == "Bounce"


def test_unsubscribe_links_in_each_part_of_any_mail(cloud: LocalCloud, ses: "SESV2Client"):
    raw = f"From: ada@example.test\r\nTo: bob@example.com\r\nList-Unsubscribe: <x>\r\n\r\n{BODY}\r\n".encode()
    contents: tuple[Any, ...] = (
        {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": BODY}}}},
        {"Template": {"TemplateContent": {"Subject": "Hello", "Text": BODY}}},
        {"Raw": {"Data": raw}},
    )
    for content in contents:
        message_id = send(ses, content=content)
        text = cloud.control("GET", f"messages/{message_id}/content")["text"]
        assert text.count(f"/_localcloud/messages/{message_id}/unsubscribe") == 2
        assert text.count("{{amazonSESUnsubscribeUrl}}") == 1
        assert headers(mail(cloud, message_id))["List-Unsubscribe"].count("unsubscribe") == 1


def test_a_mail_to_several_has_no_links_but_leaves_out_who_left(cloud: LocalCloud, ses: "SESV2Client"):
    ses.create_contact(ContactListName=LIST, EmailAddress="bob@example.com", UnsubscribeAll=True)
    found = mail(cloud, send(ses, "bob@example.com", "grace@example.com"))
    assert "List-Unsubscribe" not in headers(found)
    assert [event["eventType"] for event in found["events"]] == ["Send", "Bounce", "Delivery"]


def test_a_list_or_topic_that_is_not_there_is_refused(ses: "SESV2Client"):
    with pytest.raises(ClientError, match="Topic <sports> does not exist"):
        send(ses, topic="sports")
    ses.delete_contact_list(ContactListName=LIST)
    with pytest.raises(ClientError, match="List with name: customers doesn't exist"):
        send(ses)


def page(url: str, form: str | None = None, **headers: str) -> tuple[int, str]:
    """What a browser is answered: status and text."""
    body = None if form is None else form.encode()
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - the local cloud's own link
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            assert "script-src" not in answer.headers["content-security-policy"]
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def link(cloud: LocalCloud, message_id: str) -> str:
    return headers(mail(cloud, message_id))["List-Unsubscribe"].strip("<>")


def preferences(ses: "SESV2Client") -> tuple[bool, dict[str, str]]:
    found = ses.get_contact(ContactListName=LIST, EmailAddress="bob@example.com")
    return found["UnsubscribeAll"], {p["TopicName"]: p["SubscriptionStatus"] for p in found["TopicPreferences"]}


def test_a_browser_finds_the_recipient_s_topics_behind_the_link(cloud: LocalCloud, ses: "SESV2Client"):
    url = link(cloud, send(ses, topic="news"))
    status, text = page(url)
    assert status == 200
    assert '<input type=checkbox name=topic value="news" checked> News' in text
    assert '<input type=checkbox name=topic value="offers"> Offers' in text
    assert "All of them, to bob@example.com" in text
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_contact(ContactListName=LIST, EmailAddress="bob@example.com")


def test_preferences_page_changes_topics_and_emits_an_event(cloud: LocalCloud, ses: "SESV2Client"):
    message_id = send(ses, topic="news")
    chosen = link(cloud, message_id).replace("/unsubscribe", "/preferences")
    assert "Saved." in page(chosen, "topic=offers")[1]
    assert preferences(ses) == (False, {"news": "OPT_OUT", "offers": "OPT_IN"})
    last = mail(cloud, message_id)["events"][-1]["subscription"]
    assert [one["subscriptionStatus"] for one in last["newTopicPreferences"]["topicSubscriptionStatus"]] == [
        "OptOut",
        "OptIn",
    ]
    assert [one["subscriptionStatus"] for one in last["oldTopicPreferences"]["topicSubscriptionStatus"]] == [
        "OptIn",
        "OptOut",
    ]
    page(chosen, "topic=news&topic=offers&leave=yes")
    assert preferences(ses) == (True, {"news": "OPT_OUT", "offers": "OPT_OUT"})
    assert "You get no mail of this list." in page(chosen)[1]
    page(chosen, "topic=news")
    assert preferences(ses) == (False, {"news": "OPT_IN", "offers": "OPT_OUT"})


def test_the_page_shows_what_others_wrote_as_text(cloud: LocalCloud, ses: "SESV2Client"):
    wicked: Any = [{"TopicName": "a", "DisplayName": "<script>1</script>", "DefaultSubscriptionStatus": "OPT_IN"}]
    ses.update_contact_list(ContactListName=LIST, Topics=wicked, Description="<img src=x>")
    text = page(link(cloud, send(ses)))[1]
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;1" in text


def test_preferences_page_refuses_other_sites_and_other_mails(cloud: LocalCloud, ses: "SESV2Client"):
    chosen = link(cloud, send(ses)).replace("/unsubscribe", "/preferences")
    assert page(chosen, "leave=yes", Origin="https://example.com")[0] == 403
    several = send(ses, "bob@example.com", "eve@example.com")
    assert page(f"{cloud.endpoint}/_localcloud/messages/{several}/unsubscribe")[0] == 404
    assert page(f"{cloud.endpoint}/_localcloud/messages/none/preferences", "leave=yes")[0] == 404
