"""The inbox page and its JSON: viewing, searching, triggering events, and cross-site requests."""

import json
import re
import urllib.parse
from email.message import EmailMessage
from http.client import HTTPConnection
from typing import Any

import pytest

from mailstack_localcloud import LocalCloud, LocalCloudError
from mailstack_localcloud.ses.state import KEPT_MESSAGES
from tests.integration.queues import open_to
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

ACCOUNT = "000000000000"


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()


class Browser:
    """Requests as a browser makes them, redirects not followed."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.host = cloud.endpoint.removeprefix("http://")

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> Answer:
        connection = HTTPConnection(self.host, timeout=PATIENCE)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def press(self, message_id: str, recipient: str, event: str, **more: str) -> Answer:
        form = urllib.parse.urlencode({"recipient": recipient, "event": event, **more})
        headers = {"Origin": f"http://{self.host}", "Content_Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", f"/inbox/{message_id}/events", form, **headers)


@pytest.fixture
def browser(cloud: LocalCloud) -> Browser:
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    return Browser(cloud)


def send(cloud: LocalCloud, *to: str, subject: str = "Hello", html: str = "", **more: Any) -> str:
    body: Any = {"Text": {"Data": f"{subject}, Ada"}, **({"Html": {"Data": html}} if html else {})}
    sent = cloud.client("sesv2").send_email(
        FromEmailAddress="Shop <shop@example.test>",
        Destination={"ToAddresses": list(to)},
        Content={"Simple": {"Subject": {"Data": subject}, "Body": body}},
        **more,
    )
    return sent["MessageId"]


def kinds(cloud: LocalCloud, message_id: str) -> list[str]:
    return [occurrence["kind"] for occurrence in cloud.control("GET", f"messages/{message_id}")["occurrences"]]


def listed(browser: Browser, query: str = "") -> set[str]:
    return set(re.findall(r'class="row" href="/inbox/([^"]+)"', browser.ask("GET", f"/inbox{query}").text))


def test_inbox_search_by_address_subject_and_status(browser: Browser):
    ada = send(browser.cloud, "ada@example.com", subject="Welcome")
    grace = send(browser.cloud, "bounce+grace@simulator.amazonses.com", subject="Reset your password")
    assert listed(browser) == {ada, grace}
    assert listed(browser, "?q=WELCOME") == {ada}
    assert listed(browser, "?q=grace+password") == {grace}
    assert listed(browser, "?q=grace+welcome") == set()
    assert listed(browser, f"?q={ada}") == {ada}
    assert listed(browser, f"?q={ada[20:]}") == set(), (
        "a word is not looked for within an id, which is made of any letters"
    )
    assert listed(browser, "?status=bounce") == {grace}
    assert listed(browser, "?q=ada&status=bounce") == set()
    asked = browser.cloud.control("GET", "messages?q=shop&status=delivery")
    assert [message["message_id"] for message in asked["messages"]] == [ada]


def test_a_long_list_has_pages(browser: Browser):
    for number in range(103):
        send(browser.cloud, "ada@example.com", subject=f"Number {number}")
    first, second = listed(browser, "?q=number"), listed(browser, "?q=number&page=2")
    assert (len(first), len(second), len(first | second)) == (100, 3, 103)
    page = browser.ask("GET", "/inbox?q=number").text
    assert '/inbox?q=number&amp;page=2"' in page
    assert KEPT_MESSAGES > 103


def test_the_page_costs_nothing_while_nothing_happens(browser: Browser):
    message_id = send(browser.cloud, "ada@example.com")
    for path in ("/inbox", "/inbox?q=ada", f"/inbox/{message_id}"):
        tag = browser.ask("GET", path).headers["etag"]
        unchanged = browser.ask("GET", path, If_None_Match=tag)
        assert (unchanged.status, unchanged.body) == (304, b"")
        browser.press(message_id, "ada@example.com", "open")
        changed = browser.ask("GET", path, If_None_Match=tag)
        assert (changed.status, changed.headers["etag"] != tag) == (200, True)


def test_hidden_mails_do_not_change_a_search_page(browser: Browser):
    send(browser.cloud, "ada@example.com", subject="Welcome")
    shown = listed(browser, "?q=welcome")
    send(browser.cloud, "ada@example.com", subject="News")
    assert listed(browser, "?q=welcome") == shown


@pytest.mark.parametrize(
    ("event", "kind", "holds"),
    [
        ("bounce", "Bounce", {"bounceType": "Permanent", "bounceSubType": "General"}),
        ("soft-bounce", "Bounce", {"bounceType": "Transient", "bounceSubType": "MailboxFull"}),
        ("complaint", "Complaint", {"complaintFeedbackType": "abuse"}),
        ("delay", "DeliveryDelay", {"delayType": "TransientCommunicationFailure"}),
        ("bounce:NoEmail", "Bounce", {"bounceType": "Permanent", "bounceSubType": "NoEmail"}),
        ("complaint:fraud", "Complaint", {"complaintFeedbackType": "fraud"}),
        ("delay:SpamDetected", "DeliveryDelay", {"delayType": "SpamDetected"}),
        ("delivery", "Delivery", {"recipients": ["ada@example.com"]}),
        ("open", "Open", {"ipAddress": "127.0.0.1"}),
        ("click", "Click", {"link": "https://example.com/a?b=1&c=2"}),
    ],
)
def test_a_button_publishes_the_event_that_ses_would(browser: Browser, event: str, kind: str, holds: dict[str, Any]):
    cloud = browser.cloud
    ses, sqs, sns = (cloud.client(name) for name in ("sesv2", "sqs", "sns"))
    queue = sqs.create_queue(QueueName="heard", Attributes=open_to("sns", "heard"))["QueueUrl"]
    topic = sns.create_topic(Name="events")["TopicArn"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:heard"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    statement = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": topic}]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    ses.create_configuration_set(ConfigurationSetName="news")
    message_id = send(
        cloud,
        "ada@example.com",
        "grace@example.com",
        html='<a href="https://example.com/a?b=1&amp;c=2">go</a><a href="mailto:x@example.com">x</a>',
        ConfigurationSetName="news",
    )
    destination = {
        "Enabled": True,
        "MatchingEventTypes": ["DELIVERY", "BOUNCE", "COMPLAINT", "DELIVERY_DELAY", "OPEN", "CLICK"],
        "SnsDestination": {"TopicArn": topic},
    }
    cloud.control("POST", "events/drain")
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="news", EventDestinationName="sns", EventDestination=destination
    )
    pressed = browser.press(message_id, "ada@example.com", event)
    assert (pressed.status, pressed.headers["location"]) == (303, f"/inbox/{message_id}")
    cloud.control("POST", "events/drain")
    bodies = [m["Body"] for m in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])]
    published = [json.loads(body) for body in bodies if body.startswith("{")]
    assert [(e["eventType"], e["mail"]["messageId"]) for e in published] == [(kind, message_id)]
    details = published[0][kind[0].lower() + kind[1:]]
    assert {name: details[name] for name in holds} == holds


def test_manual_bounce_and_complaint_suppress_and_count_once(browser: Browser):
    cloud = browser.cloud
    ses, metrics = cloud.client("sesv2"), cloud.client("cloudwatch")
    message_id = send(cloud, "ada@example.com", "grace@example.com", "x@example.com", "y@example.com")
    browser.press(message_id, "ada@example.com", "bounce")
    browser.press(message_id, "grace@example.com", "complaint")
    browser.press(message_id, "x@example.com", "soft-bounce")
    found = ses.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert {one["EmailAddress"]: one["Reason"] for one in found} == {
        "ada@example.com": "BOUNCE",
        "grace@example.com": "COMPLAINT",
    }
    cloud.control("POST", "alarms/evaluate")
    for metric in ("Reputation.BounceRate", "Reputation.ComplaintRate"):
        period = {"StartTime": "2020-01-01T00:00:00Z", "EndTime": "2100-01-01T00:00:00Z", "Period": 60}
        got = metrics.get_metric_statistics(Namespace="AWS/SES", MetricName=metric, Statistics=["Maximum"], **period)
        assert got["Datapoints"][-1]["Maximum"] == 0.25
    assert kinds(cloud, send(cloud, "ada@example.com")) == ["Send", "Bounce"], "the list keeps the next mail back"


def test_the_control_plane_does_the_same(browser: Browser):
    cloud = browser.cloud
    message_id = send(cloud, "Ada <ada@example.com>", html='<a href="https://example.com/1">1</a>')
    done = cloud.control("POST", f"messages/{message_id}/events", {"event": "click"})
    assert (done["kind"], done["recipient"], done["detail"]) == ("Click", "ada@example.com", "https://example.com/1")
    chosen: dict[str, object] = {"event": "click", "recipient": "ADA@example.com", "link": "https://example.com/2"}
    assert cloud.control("POST", f"messages/{message_id}/events", chosen)["detail"] == "https://example.com/2"
    assert kinds(cloud, message_id) == ["Send", "Delivery", "Click", "Click"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"event": "mood", "recipient": "ada@example.com"}, "event must be one of delivery, bounce, soft-bounce"),
        ({"event": "bounce", "recipient": "x@example.com"}, "recipient must be one of ada@example.com, grace@"),
        ({"event": "bounce"}, "recipient must be one of"),
        ({"event": "click", "recipient": "ada@example.com"}, "no link to click on"),
    ],
)
def test_impossible_event_is_refused(browser: Browser, body: dict[str, object], problem: str):
    message_id = send(browser.cloud, "ada@example.com", "grace@example.com")
    with pytest.raises(LocalCloudError, match=problem):
        browser.cloud.control("POST", f"messages/{message_id}/events", body)
    pressed = browser.press(message_id, str(body.get("recipient", "")), str(body["event"]))
    assert (pressed.status, problem in pressed.text) == (400, True)
    with pytest.raises(LocalCloudError, match="No message none is kept"):
        browser.cloud.control("POST", "messages/none/events", body)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "rebound.example.com", "Origin": "http://rebound.example.com"},
    ],
)
@pytest.mark.parametrize("path", ["/inbox/{}/events", "/_localcloud/messages/{}/events"])
def test_no_other_page_and_no_mail_can_press_a_button(browser: Browser, path: str, headers: dict[str, str]):
    message_id = send(browser.cloud, "ada@example.com")
    body = "event=bounce&recipient=ada@example.com" if path.startswith("/inbox") else '{"event": "bounce"}'
    answer = browser.ask("POST", path.format(message_id), body, **headers)
    assert answer.status == 403
    assert kinds(browser.cloud, message_id) == ["Send", "Delivery"]


ACTS = [
    ("/?Action=CreateTopic&Name=strange&Version=2010-03-31", {}),
    ("/?%41ction=CreateTopic&Name=strange&Version=2010-03-31", {}),
    ("/", {"X_Amz_Target": "TrentService.CreateKey"}),
]
NAVIGATION = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}


@pytest.mark.parametrize(("path", "more"), ACTS)
def test_a_picture_in_another_page_or_a_mail_is_no_way_to_act(browser: Browser, path: str, more: dict[str, str]):
    picture = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}
    for stranger in ({"Origin": "null"}, picture, NAVIGATION):
        assert browser.ask("GET", path, **stranger, **more).status == 403
    assert browser.cloud.client("sns").list_topics()["Topics"] == []
    assert browser.cloud.client("kms").list_keys()["Keys"] == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/bucket/key",
        "/v2/email/account",
        "/2015-03-31/functions/",
        "/_localcloud/messages",
        "/_localcloud/health",
        "/_ministack/health",
        "/inbox",
    ],
)
def test_no_other_page_reads_any_service(browser: Browser, method: str, path: str):
    fetch = {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty"}
    for stranger in (
        {"Origin": "https://example.com"},
        {"Sec_Fetch_Site": "cross-site", **fetch},
        {"Sec_Fetch_Site": "same-site", **fetch},
        {"Origin": "https://example.com", "Sec_Fetch_Site": "cross-site", **fetch},
        {"Host": "rebound.example.com"},
    ):
        answer = browser.ask(method, path, **stranger)
        assert answer.status == 403
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_ministack_shows_its_answers_to_no_web_page(browser: Browser):
    s3 = browser.cloud.client("s3")
    s3.create_bucket(Bucket="secret")
    s3.put_object(Bucket="secret", Key="key", Body=b"content")
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = browser.ask(method, "/secret/key")
        assert answer.status == 200
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    own = browser.ask("GET", "/secret/key", Origin=f"http://{browser.host}")
    assert (own.body, own.headers["access-control-allow-origin"]) == (b"content", "*")


def test_other_sites_may_link_to_our_pages_and_to_nothing_else(browser: Browser):
    message_id = send(browser.cloud, "ada@example.com")
    browser.cloud.client("s3").create_bucket(Bucket="secret")
    for path in ("/", "/inbox", f"/inbox/{message_id}", f"/inbox/{message_id}/source", "/inbox?q=Action"):
        assert browser.ask("GET", path, **NAVIGATION).status == 200
    unsubscribe = browser.ask("GET", f"/_localcloud/messages/{message_id}/unsubscribe", **NAVIGATION)
    assert (unsubscribe.status, "No such subscription" in unsubscribe.text) == (404, True)
    for path in ("/secret", "/_localcloud/messages", "/v2/email/account", "/?list-type=2"):
        assert browser.ask("GET", path, **NAVIGATION).status == 403
    for frame in ("iframe", "embed", "object"):
        assert browser.ask("GET", "/inbox", **{**NAVIGATION, "Sec_Fetch_Dest": frame}).status == 403
    assert browser.ask("POST", "/inbox/state", "action=clear-inbox", **NAVIGATION).status == 403


def test_programs_say_nothing_of_sites_and_are_served(browser: Browser):
    node = {"Sec_Fetch_Mode": "cors"}  # what Node's fetch sends without being a browser
    for headers in ({}, node, {"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}):
        for path in ("/inbox", "/_localcloud/health", "/2015-03-31/functions/"):
            assert browser.ask("GET", path, **headers).status == 200


def test_the_bare_address_leads_to_the_inbox(browser: Browser):
    page = browser.ask("GET", "/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<a href="/inbox"' in page.text
    assert f"export AWS_ENDPOINT_URL=http://{browser.host}\n" in page.text
    s3 = browser.cloud.client("s3")
    s3.create_bucket(Bucket="there")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["there"]
    port = browser.host.partition(":")[2]
    assert b"<ListBucketResult" in browser.ask("GET", "/", Host=f"there.localhost:{port}").body


def test_a_name_that_only_points_here_reads_nothing(browser: Browser):
    for path in ("/inbox", "/_localcloud/messages"):
        assert browser.ask("GET", path, Host="rebound.example.com").status == 403
        for name in ("localhost:4566", "LocalHost:4566"):
            assert browser.ask("GET", path, Host=name).status == 200


def test_nothing_happens_on_get(browser: Browser):
    message_id = send(browser.cloud, "ada@example.com")
    assert browser.ask("GET", f"/inbox/{message_id}/events?event=bounce&recipient=ada@example.com").status == 405
    assert browser.ask("POST", "/inbox", "x", Origin=f"http://{browser.host}").status == 405
    assert kinds(browser.cloud, message_id) == ["Send", "Delivery"]


def test_a_raw_mail_is_read_with_its_attachments(browser: Browser):
    inner = EmailMessage()
    inner["Subject"] = "Forwarded"
    inner.set_content("Inside")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.test", "ada@example.com", "Grüße"
    mail.set_content("Read more: https://example.com/more.")
    mail.add_attachment(b"\x00\x01", maintype="application", subtype="pdf", filename='bill "März"/1.pdf')
    mail.add_attachment(inner, filename="inner.eml")
    message_id = browser.cloud.client("sesv2").send_email(Content={"Raw": {"Data": mail.as_bytes()}})["MessageId"]
    content = browser.cloud.control("GET", f"messages/{message_id}/content")
    assert content["text"].strip() == "Read more: https://example.com/more."
    assert {"name": "Subject", "value": "Grüße"} in content["headers"]
    assert content["links"] == ["https://example.com/more"]
    assert [(a["name"], a["size"] > 0) for a in content["attachments"]] == [
        ('bill "März"/1.pdf', True),
        ("inner.eml", True),
    ]
    page = browser.ask("GET", f"/inbox/{message_id}").text
    assert "Grüße" in page
    assert f"/inbox/{message_id}/attachments/0" in page
    bill = browser.ask("GET", f"/inbox/{message_id}/attachments/0")
    assert bill.body == b"\x00\x01"
    assert bill.headers["content-type"] == "application/octet-stream"
    expected = "attachment; filename*=UTF-8''bill%20%22M%C3%A4rz%22%2F1.pdf"
    assert bill.headers["content-disposition"] == expected
    assert b"Inside" in browser.ask("GET", f"/inbox/{message_id}/attachments/1").body
    assert browser.ask("GET", f"/inbox/{message_id}/attachments/9").status == 404


def test_inbox_page_is_self_contained(browser: Browser):
    message_id = send(browser.cloud, "ada@example.com", html="<script>parent.x()</script>", subject='"><script>y()')
    for path in ("/inbox", f"/inbox/{message_id}"):
        page = browser.ask("GET", path)
        nonce = re.search(r"'nonce-([\w-]+)'", page.headers["content-security-policy"])
        assert nonce
        assert re.findall(r"<script[^>]*>", page.text) == [f'<script nonce="{nonce[1]}">']
        assert not re.search(r'(?:src|href)="https?:', page.text)
        assert not re.search(r"\son\w+=", page.text)
    shown = browser.ask("GET", f"/inbox/{message_id}").text
    may = "allow-popups allow-popups-to-escape-sandbox"
    assert f'<iframe sandbox="{may}" src="/inbox/{message_id}/html"' in shown
    rendered = browser.ask("GET", f"/inbox/{message_id}/html")
    assert rendered.headers["content-security-policy"].startswith(f"sandbox {may}; default-src 'none';")
    assert "script-src" not in rendered.headers["content-security-policy"]
    assert rendered.text.endswith('<base target="_blank">'), "a link opens beside the mail, which has no frame for it"


def test_inline_images_are_shown_for_every_form_of_content_id(browser: Browser):
    def image(name: str, kind: str = "image/png", size: int = 3) -> dict[str, Any]:
        inline = {"ContentDisposition": "INLINE", "ContentTransferEncoding": "BASE64", "ContentType": kind}
        return {"FileName": "image.png", "RawContent": b"x" * size, "ContentId": name, **inline}

    markup = """<img src="cid:a@b"><img src='cid:a%40b'><img src=cid:a@b><p style="background: url(cid:a@b)">
        <img src="cid:page"><img src="cid:none">"""
    simple: Any = {"Subject": {"Data": "Images"}, "Body": {"Html": {"Data": markup}}}
    simple["Attachments"] = [image("a@b"), image("page", "text/html")]
    sent = browser.cloud.client("sesv2").send_email(
        FromEmailAddress="shop@example.test",
        Destination={"ToAddresses": ["ada@example.com"]},
        Content={"Simple": simple},
    )
    shown = browser.ask("GET", f"/inbox/{sent['MessageId']}/html")
    assert shown.text.count("data:image/png;base64,eHh4") == 4
    assert re.findall(r"cid:\w+", shown.text) == ["cid:page", "cid:none"], "only images are put in"
    assert "img-src data:;" in shown.headers["content-security-policy"]


def test_an_image_that_is_named_often_does_not_fill_the_memory(browser: Browser):
    inline = {"ContentDisposition": "INLINE", "ContentTransferEncoding": "BASE64", "ContentType": "image/png"}
    large = {"FileName": "a.png", "RawContent": b"x" * 3_000_000, "ContentId": "a", **inline}
    simple: Any = {"Subject": {"Data": "Images"}, "Body": {"Html": {"Data": '<img src="cid:a">' * 1000}}}
    sent = browser.cloud.client("sesv2").send_email(
        FromEmailAddress="shop@example.test",
        Destination={"ToAddresses": ["ada@example.com"]},
        Content={"Simple": {**simple, "Attachments": [large]}},
    )
    assert len(browser.ask("GET", f"/inbox/{sent['MessageId']}/html").body) < 70_000_000


def test_a_type_of_event_can_be_chosen(browser: Browser):
    message_id = send(browser.cloud, "ada@example.com")
    assert "<option>delay:IPFailure</option>" in browser.ask("GET", f"/inbox/{message_id}").text
    pressed = browser.press(message_id, "ada@example.com", "variant", variant="delay:IPFailure")
    assert (pressed.status, kinds(browser.cloud, message_id)) == (303, ["Send", "Delivery", "DeliveryDelay"])


def test_mail_page_links_to_neighbours_and_shows_tags(browser: Browser):
    tags = [{"Name": "kind", "Value": "welcome"}]
    older, message_id, newer = (send(browser.cloud, "ada@example.com", EmailTags=tags) for _ in range(3))
    page = browser.ask("GET", f"/inbox/{message_id}").text
    assert re.findall(r'href="/inbox/(\S+)" id="(newer|older)"', page) == [(newer, "newer"), (older, "older")]
    assert re.findall(r'chip plain">([^<]*)<', page) == ["kind: welcome"]


def test_an_empty_inbox_says_how_to_send_here(browser: Browser):
    assert f"export AWS_ENDPOINT_URL=http://{browser.host}\n" in browser.ask("GET", "/inbox").text


def test_an_invitation_is_an_attachment_though_it_has_no_name(browser: Browser):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.test", "ada@example.com", "Standup"
    mail.set_content("See you")
    mail.add_alternative("<p>See you</p>", subtype="html")
    mail.add_alternative("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", subtype="calendar", params={"method": "REQUEST"})
    message_id = browser.cloud.client("sesv2").send_email(Content={"Raw": {"Data": mail.as_bytes()}})["MessageId"]
    content = browser.cloud.control("GET", f"messages/{message_id}/content")
    assert [(a["name"], a["content_type"]) for a in content["attachments"]] == [("", "text/calendar")]
    assert b"BEGIN:VCALENDAR" in browser.ask("GET", f"/inbox/{message_id}/attachments/0").body
