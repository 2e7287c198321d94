"""The example of Django in a real browser, on a desktop and on a phone: every page, with the mails between them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from tests.chromium import Chromium, Page, ProtocolError, chromium
from tests.integration.examples.subscriptions_site import ADMIN, PASSWORD, Site, subscriptions_site
from tests.waiting import eventually

pytestmark = pytest.mark.integration
WIDTHS = pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desktop", "phone"])
NEW = "another pass phrase"
# Test events, what the page says of each, and a part of its mail's subject.
EVENTS = (
    ("checkout", "checkout.session.completed", "Your payment of"),
    ("updated", "customer.subscription.updated", "Your plan changes to Team"),
    ("failed", "invoice.payment_failed", "did not go through"),
    ("cancelled", "customer.subscription.updated", "was cancelled"),
)
# What is wrong with a page for somebody who uses it with a finger, a keyboard, a screen reader or tired eyes.
PROBLEMS = r"""(() => {
  const found = [];
  const all = (what) => [...document.querySelectorAll(what)];
  const shown = (e) => e.offsetParent !== null && !e.classList.contains('skip');
  if (document.documentElement.scrollWidth > innerWidth) found.push('wider than the window');
  if (!document.documentElement.lang) found.push('no language');
  if (!document.title.endsWith(' \u2013 Signals')) found.push('no title');
  if (all('h1').length !== 1) found.push('not one h1');
  if (all('main').length !== 1) found.push('not one main');
  let level = 0;
  for (const e of all('h1, h2, h3')) {
    const now = Number(e.tagName[1]);
    if (now > level + 1) found.push('heading out of order: ' + e.textContent);
    level = now;
  }
  for (const e of all('input:not([type=hidden]), select, textarea').filter(shown)) {
    if (!e.labels.length && !e.ariaLabel) found.push('no label: ' + e.name);
    if (e.offsetHeight < 40) found.push('too small: ' + e.name);
  }
  for (const e of all('button, .button').filter(shown)) {
    if (e.offsetHeight < 40) found.push('too small: ' + e.textContent);
    if (!(e.ariaLabel || e.textContent).trim()) found.push('no name');
  }
  const numbers = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const light = (c) => {
    const [r, g, b] = numbers(c).map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = numbers(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return getComputedStyle(e).backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  for (const e of all('body *').filter(shown)) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) found.push('contrast: ' + e.textContent.trim());
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def site(shared_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with subscriptions_site(shared_cloud, tmp_path_factory.mktemp("browser")) as running:
        yield running


class Reader:
    """A person in a browser. Each page that they see has no problem."""

    def __init__(self, browser: Chromium, site: Site, width: int, *, dark: bool) -> None:
        self.page: Page = browser.page(site.url)
        self._site, self._window = site, (width, dark)
        self.page.window(width, dark=dark)

    def open(self, path: str) -> None:
        """Go to a page."""
        self.page.open(f"{self._site.url}{path}" if path.startswith("/") else path)

    def sees(self, words: str) -> None:
        """Wait until the page says something, and look for problems of the same page."""
        said = f"document.readyState == 'complete' && document.body.innerText.includes({json.dumps(words)})"
        look = f"{said} ? JSON.stringify({PROBLEMS}) : ''"
        found = eventually(lambda: self._evaluated(look), f"the page never said {words!r}")
        assert json.loads(found) == []

    def _evaluated(self, expression: str) -> str:
        """The value of an expression; a page that is just being left has none."""
        try:
            return str(self.page.evaluate(expression))
        except (AssertionError, ProtocolError):
            return ""

    def click(self, words: str, among: str = "a, button") -> None:
        """Click on the link or button with these words."""
        text = json.dumps(words)
        named = f"[...document.querySelectorAll('{among}')].find(e => (e.ariaLabel || e.textContent).trim() == {text})"
        self.page.wait(f"document.readyState == 'complete' && {named} !== undefined")
        self.page.evaluate(f"{named}.click()")

    def fill(self, button: str, **fields: str) -> None:
        """Fill in a form, and send it by its button."""
        for name, value in fields.items():
            self.page.wait(f"document.querySelector('main [name={name}]') !== null")
            self.page.evaluate(f"document.querySelector('main [name={name}]').value = {json.dumps(value)}")
        self.click(button, "main form button")


@WIDTHS
def test_person_uses_every_page(site: Site, tmp_path: Path, width: int, dark: bool):
    name = f"ada{width}"
    address = f"{name}@example.com"
    with chromium(tmp_path / "ada") as browser:
        ada = Reader(browser, site, width, dark=dark)
        register(ada, name, address)
        site.mail(address, "Welcome to Signals")
        subscribe(ada, site, address)
        watch(ada, site, address, tmp_path)
        change_password(ada, site, address)
        recover(ada, site, name, address)
        delete(ada, site, address)
        assert ada.page.evaluate("document.cookie") in {
            "",
            ada.page.evaluate("document.cookie.match(/^csrftoken=\\w+$/)[0]"),
        }


def register(ada: Reader, name: str, address: str) -> None:
    ada.sees("Know when a signal changes")
    ada.click("Register")
    ada.sees("Email address")
    ada.fill("Register", username=name, first_name="Ada", email=address, password1=PASSWORD, password2="another one")
    ada.sees("The two password fields")
    ada.fill("Register", password1=PASSWORD, password2=PASSWORD)
    ada.sees("Hello Ada")


def subscribe(ada: Reader, site: Site, address: str) -> None:
    ada.click("Send test events of the payment provider")
    ada.sees("Test events")
    for event, kind, subject in EVENTS:
        ada.click(event)
        ada.sees(f"{kind}: the webhook answered 200")
        site.mail(address, subject)
    ada.click("Back to the account")
    ada.sees("Ends on")


def watch(ada: Reader, site: Site, address: str, folder: Path) -> None:
    ada.click("Items")
    ada.sees("First example")
    ada.click("Watch First example")
    ada.sees("Stop watching")
    with chromium(folder / "admin") as browser:
        admin = browser.page(f"{site.url}/admin/subscriptions/item/ALPHA/change/")
        admin.wait("document.querySelector('[name=password]') !== null")
        for name, value in (("username", "admin"), ("password", ADMIN)):
            admin.evaluate(f"document.querySelector('[name={name}]').value = {json.dumps(value)}")
        admin.evaluate("document.querySelector('[type=submit]').click()")
        admin.wait("document.querySelector('[name=status]') !== null")
        for new in ("BUY", "SELL"):
            admin.evaluate(f"document.querySelector('[name=status]').value = '{new}'")
            admin.evaluate("document.querySelector('[name=_continue]').click()")
            status = f"document.querySelector('[name=status]').value == '{new}'"
            admin.wait(f"document.querySelector('.success') !== null && {status}")
            admin.open(f"{site.url}/admin/subscriptions/item/ALPHA/change/")
    site.mail(address, "ALPHA: BUY → SELL")
    ada.open("/account/")
    ada.sees("SELL")


def change_password(ada: Reader, site: Site, address: str) -> None:
    ada.click("Change the password")
    ada.sees("Change your password")
    ada.fill("Change the password", old_password=PASSWORD, new_password1=NEW, new_password2=NEW)
    ada.sees("Your password was changed.")
    site.mail(address, "password was changed")


def recover(ada: Reader, site: Site, name: str, address: str) -> None:
    ada.click("Sign out")
    ada.sees("Know when")
    ada.click("Sign in")
    ada.sees("Forgotten password?")
    ada.click("Forgotten user name?")
    ada.sees("Send my user name")
    ada.fill("Send my user name", email=address)
    ada.sees("Look into your inbox")
    assert name in site.mail(address, "user name").text
    ada.open("/password-reset/")
    ada.sees("Send a link")
    ada.fill("Send a link", email=address)
    ada.sees("Look into your inbox")
    link = next(link for link in site.mail(address, "Choose a new").links if "/reset/" in link)
    ada.open(link)
    ada.sees("Choose a new password")
    ada.fill("Save the password", new_password1=PASSWORD, new_password2=PASSWORD)
    ada.sees("Sign in with the new one.")
    site.mail(address, "password was changed", 2)
    ada.open(link)
    ada.sees("This link is not valid any more")
    ada.open("/login/")
    ada.fill("Sign in", username=name, password=NEW)
    ada.sees("Please enter a correct username")
    ada.fill("Sign in", username=name, password=PASSWORD)
    ada.sees("Hello Ada")


def delete(ada: Reader, site: Site, address: str) -> None:
    ada.click("Delete the account")
    ada.sees("This cannot be undone.")
    ada.fill("Delete the account", password="wrong")
    ada.sees("This is not your password.")
    ada.fill("Delete the account", password=PASSWORD)
    ada.sees("Your account was deleted.")
    site.mail(address, "account was deleted")
