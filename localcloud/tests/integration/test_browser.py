"""The local cloud in a real browser: what pages of other origins can do to it, and how our own pages behave."""

import struct
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mailstack_localcloud import LocalCloud
from tests.chromium import Chromium, Page, chromium

pytestmark = pytest.mark.integration


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HEADER = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
PNG = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", HEADER) + chunk(b"IDAT", zlib.compress(bytes(4))) + chunk(b"IEND", b"")
FILES = {
    "/secret/key.txt": ("text/plain", b"content"),
    "/secret/image.png": ("image/png", PNG),
    "/secret/code.js": ("text/javascript", b"window.ran = true"),
    "/secret/style.css": ("text/css", b"body { color: red }"),
}
# What a page can read of a site: `refused`, or what it got.
READ = """(async (site) => {
  const fetched = (options) => fetch(site + "/secret/key.txt", options).then((a) => a.text(), () => "refused");
  const loaded = (tag, attributes) => new Promise((done) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.onload = () => done("loaded");
    element.onerror = () => done("refused");
    document.body.append(element);
  });
  window.ran = false;
  return {
    get: await fetched(),
    preflight: await fetched({ headers: { "X-Own": "1" } }),
    post: await fetched({ method: "POST", body: "x" }),
    image: await loaded("img", { src: site + "/secret/image.png" }),
    "CORS image": await loaded("img", { crossOrigin: "anonymous", src: site + "/secret/image.png?2" }),
    script: await loaded("script", { src: site + "/secret/code.js" }),
    ran: window.ran,
    style: await loaded("link", { rel: "stylesheet", href: site + "/secret/style.css" }),
  };
})"""
# What a page can have a site do, without being let read the answer.
ACT = """(async (site, message) => {
  const form = (path, fields) => new Promise((done) => {
    const frame = Object.assign(document.createElement("iframe"), { name: "f" + Math.random(), onload: done });
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: site + path, target: frame.name });
    for (const [name, value] of Object.entries(fields)) {
      form.append(Object.assign(document.createElement("input"), { name, value }));
    }
    document.body.append(frame, form);
    form.submit();
  });
  const create = { Action: "CreateTopic", Name: "strange", Version: "2010-03-31" };
  const quietly = (path, options) => fetch(site + path, { mode: "no-cors", ...options }).catch(() => null);
  await quietly("/?" + new URLSearchParams(create));
  await quietly("/", { method: "POST", body: new URLSearchParams(create) });
  await quietly("/inbox/state", { method: "POST", body: new URLSearchParams({ action: "clear-inbox" }) });
  await quietly("/_localcloud/reset", { method: "POST", body: "{}" });
  const src = site + "/?" + new URLSearchParams(create);
  await new Promise((done) => Object.assign(new Image(), { onerror: done, onload: done, src }));
  await form("/", create);
  await form("/inbox/state", { action: "clear-inbox" });
  await form("/inbox/" + message + "/events", { event: "bounce", recipient: "ada@example.com" });
  navigator.sendBeacon(site + "/", new URLSearchParams(create));
  return await new Promise((done) => {
    const socket = new WebSocket(site.replace("http", "ws") + "/");
    socket.onopen = () => done("open");
    socket.onerror = () => done("refused");
  });
})"""


class Elsewhere(BaseHTTPRequestHandler):
    """Another site, with the same files."""

    def do_GET(self) -> None:
        kind, body = FILES.get(self.path.partition("?")[0], ("text/html", b"<body></body>"))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(params=["localhost", "127.0.0.1"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[str]:
    """The origin of another site; by the second name it is the same site on another port, which is no better."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{request.param}:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def ours(cloud: LocalCloud) -> LocalCloud:
    """A local cloud that sends mail of example.test."""
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    return cloud


def send(cloud: LocalCloud, to: str = "ada@example.com", html: str = "<p>Hello</p>", **more: Any) -> str:
    simple: Any = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}, "Html": {"Data": html}}}
    simple |= {"Attachments": more.pop("Attachments", [])}
    return cloud.client("sesv2").send_email(
        FromEmailAddress="=?utf-8?q?B=C3=BCcher?= <shop@example.test>",
        Destination={"ToAddresses": [to]},
        Content={"Simple": simple},
        **more,
    )["MessageId"]


def test_no_other_page_reads_what_is_stored_here(browser: Chromium, elsewhere: str, cloud: LocalCloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="secret")
    for path, (kind, body) in FILES.items():
        s3.put_object(Bucket="secret", Key=path.removeprefix("/secret/"), Body=body, ContentType=kind)
    page = browser.page(elsewhere)
    own = page.evaluate(f"{READ}({elsewhere!r})")
    assert own == {
        **dict.fromkeys(("get", "preflight", "post"), "content"),
        **dict.fromkeys(("image", "CORS image", "script", "style"), "loaded"),
        "ran": True,
    }, "the page can read its own site"
    assert page.evaluate(f"{READ}({cloud.endpoint!r})") == {**dict.fromkeys(own, "refused"), "ran": False}


def test_no_other_page_acts_here(browser: Chromium, elsewhere: str, ours: LocalCloud):
    message_id = send(ours)
    page = browser.page(elsewhere)
    assert page.evaluate(f"{ACT}({ours.endpoint!r}, {message_id!r})") == "refused"
    assert ours.client("sns").list_topics()["Topics"] == []
    assert [h["kind"] for h in ours.control("GET", f"messages/{message_id}")["occurrences"]] == ["Send", "Delivery"]


def test_a_link_elsewhere_opens_the_inbox_and_no_service(browser: Chromium, elsewhere: str, ours: LocalCloud):
    message_id = send(ours)
    follow = "document.body.innerHTML = '<a href=%s>go</a>'; document.querySelector('a').click()"
    for path, title in (("/inbox", "Inbox (1)"), (f"/inbox/{message_id}", "Hello"), ("/", "Local cloud")):
        page = browser.page(elsewhere)
        page.evaluate(follow % f"{ours.endpoint}{path}")
        page.wait(f"document.title == {title!r}")
    for path in ("/_localcloud/messages", "/?Action=CreateTopic&Name=strange&Version=2010-03-31"):
        page = browser.page(elsewhere)
        page.evaluate(follow % f"{ours.endpoint}{path}")
        page.wait("document.body.textContent.includes('Requests from another site are not served')")
    assert ours.client("sns").list_topics()["Topics"] == []


def test_a_mail_shows_its_inline_images_in_its_sandbox(browser: Chromium, ours: LocalCloud):
    logo = {"FileName": "logo.png", "RawContent": PNG, "ContentType": "image/png", "ContentId": "logo"}
    inline = [{**logo, "ContentDisposition": "INLINE", "ContentTransferEncoding": "BASE64"}]
    message_id = send(ours, html='<img src="cid:logo">', Attachments=inline)
    page = browser.page(f"{ours.inbox_url}/{message_id}/html")
    page.wait("document.images[0].naturalWidth == 1")


def test_a_person_leaves_a_list_on_its_page(browser: Chromium, ours: LocalCloud):
    ses = ours.client("sesv2")
    ses.create_contact_list(ContactListName="news")
    ses.create_contact(ContactListName="news", EmailAddress="ada@example.com")
    message_id = send(ours, ListManagementOptions={"ContactListName": "news"})
    page = browser.page(f"{ours.endpoint}/_localcloud/messages/{message_id}/unsubscribe")
    page.evaluate("document.querySelector('[name=leave]').click()")
    page.wait("document.body.textContent.includes('Saved.')")
    assert ses.get_contact(ContactListName="news", EmailAddress="ada@example.com")["UnsubscribeAll"] is True


def press(page: Page, name: str) -> None:
    """Press the button of that name once it is there."""
    named = f"[...document.querySelectorAll('button')].find((b) => (b.ariaLabel ?? b.textContent) == {name!r})"
    page.wait(f"!!{named}")
    page.evaluate(f"{named}.click()")


def test_complaint_shows_its_suppression_and_how_to_undo_it(browser: Chromium, ours: LocalCloud):
    ses = ours.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="news")
    page = browser.page(f"{ours.inbox_url}/{send(ours, ConfigurationSetName='news')}")
    state = "document.getElementById('state').textContent"
    assert "Sending is on" in page.evaluate(state)
    press(page, "Complain")
    page.wait("document.getElementById('timeline').textContent.includes('Complaint')")
    page.wait(f"{state}.includes('1 suppressed')")
    page.wait("document.getElementById('facts').textContent.includes('suppressed')")
    ses.put_configuration_set_sending_options(ConfigurationSetName="news", SendingEnabled=False)
    page.wait(f"{state}.includes('Stream news is paused')")
    press(page, "Resume: Stream news is paused")
    page.wait(f"{state}.includes('Sending is on')")
    page.evaluate("document.getElementById('state-suppressed').click()")
    press(page, "Remove: ada@example.com")
    page.wait(f"{state}.includes('nobody suppressed')")
    assert ses.get_configuration_set(ConfigurationSetName="news")["SendingOptions"] == {"SendingEnabled": True}
    assert ses.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []


def test_an_opened_list_stays_open_when_it_changes(browser: Chromium, ours: LocalCloud):
    ses = ours.client("sesv2")
    for name in ("ada", "grace"):
        ses.put_suppressed_destination(EmailAddress=f"{name}@example.com", Reason="BOUNCE")
    page = browser.page(ours.inbox_url)
    page.evaluate("document.getElementById('state-suppressed').click()")
    page.evaluate("document.querySelector('.state li button').focus()")
    press(page, "Remove: grace@example.com")
    page.wait("document.getElementById('state-suppressed').textContent == '1 suppressed'")
    assert page.evaluate("document.getElementById('state-suppressed').parentElement.open") is True
    page.wait("document.activeElement.closest('details') != null")


def test_the_inbox_is_cleared_once_that_is_confirmed(browser: Chromium, ours: LocalCloud):
    send(ours)
    page = browser.page(ours.inbox_url)
    page.evaluate("window.confirm = () => false")
    press(page, "Clear inbox")
    page.evaluate("refresh()")
    assert len(ours.control("GET", "messages")["messages"]) == 1
    page.evaluate("window.confirm = () => true")
    press(page, "Clear inbox")
    page.wait("document.getElementById('mails').textContent.includes('No mail yet')")
    assert ours.control("GET", "messages")["messages"] == []


@pytest.mark.parametrize("width", [360, 390, 700, 1000, 1280, 1920])
def test_no_page_is_wider_than_its_window(browser: Chromium, ours: LocalCloud, width: int):
    long = f"{'long.' * 10}address@{'sub.' * 20}example.com"
    tags = [{"Name": "kind" * 20, "Value": "x" * 200}, {"Name": "team", "Value": "platform"}]
    message_id = send(ours, long, EmailTags=tags)
    ours.control("POST", f"messages/{message_id}/events", {"event": "complaint"})
    ours.client("sesv2").put_account_sending_attributes(SendingEnabled=False)
    for url in (ours.inbox_url, f"{ours.inbox_url}/{message_id}", ours.endpoint):
        page = browser.page(url)
        page.window(width)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_a_phone_has_timeline_and_buttons_above_the_source(browser: Chromium, ours: LocalCloud):
    page = browser.page(f"{ours.inbox_url}/{send(ours)}")
    page.window(390, 844)
    tops = page.evaluate(
        "['.make', '#timeline', '.rest details'].map((one) => document.querySelector(one).getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)


def test_the_mail_is_shown_dark_or_inverted(browser: Chromium, ours: LocalCloud):
    page = browser.page(f"{ours.inbox_url}/{send(ours)}")
    shown = "(({ colorScheme, filter }) => [colorScheme, filter])(getComputedStyle(document.querySelector('iframe')))"
    assert page.evaluate(shown) == ["light", "none"]
    page.evaluate("document.getElementById('dark').click()")
    assert page.evaluate(shown) == ["dark", "none"]
    page.evaluate("document.getElementById('inverted').click()")
    assert page.evaluate(shown) == ["light", "invert(1) hue-rotate(180deg)"]


# The contrast of each text with what it stands on, WCAG 2.2 section 1.4.3; texts below 4.5 : 1.
FAINT = """(() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => parts(color).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return (parts(color)[3] ?? 1) > 0 || !element.parentElement ? color : ground(element.parentElement);
  };
  return [...document.querySelectorAll("main *")]
    .filter((one) => [...one.childNodes].some((node) => node.nodeType == 3 && node.textContent.trim()))
    .filter((one) => one.offsetParent && !["SCRIPT", "STYLE", "OPTION"].includes(one.tagName))
    .map((one) => {
      const [low, high] = [light(getComputedStyle(one).color), light(ground(one))].sort((a, b) => a - b);
      return [one.textContent.trim().slice(0, 40), (high + 0.05) / (low + 0.05)];
    })
    .filter(([, ratio]) => ratio < 4.5);
})()"""
ROLES = {"button", "link", "textbox", "searchbox", "combobox", "radio", "checkbox", "DisclosureTriangle", "Iframe"}


def test_every_control_has_a_name_and_every_text_contrast(browser: Chromium, ours: LocalCloud):
    ses = ours.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="news")
    message_id = send(ours, ConfigurationSetName="news", EmailTags=[{"Name": "kind", "Value": "welcome"}])
    ours.control("POST", f"messages/{message_id}/events", {"event": "complaint"})
    ses.put_configuration_set_sending_options(ConfigurationSetName="news", SendingEnabled=False)
    with pytest.raises(ses.exceptions.SendingPausedException):
        send(ours, ConfigurationSetName="news")
    for url in (ours.inbox_url, f"{ours.inbox_url}/{message_id}", ours.endpoint):
        page = browser.page(url)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for dark in (False, True):
            page.window(dark=dark)
            assert page.evaluate(FAINT) == []
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
        controls = [n for n in nodes if not n["ignored"] and n.get("role", {}).get("value") in ROLES]
        assert len(controls) > 5
        assert [n for n in controls if not n.get("name", {}).get("value")] == []
