"""The gallery of `mailer preview` in a real browser."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

import mailer.catalog.account
from mailer.preview.collection import Collection
from mailer.preview.server import serve
from mailer.templates.brand import Brand
from tests.chromium import Page, chromium
from tests.processes import child
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
CLASS = """from mailer import EmailTemplate
class Parcel(EmailTemplate):
    subject = "Parcel {{ number }}"
    number: int
"""
# An image of another host, a script, and a form: what a mail must not load or do here.
HOSTILE = """<html><body><p id="first">Parcel {{ number }}</p><script>document.title = "ran"</script>
<img src="https://images.example.com/logo.png" alt="Our logo" /><style>p { color: rgb(1, 2, 3) }
@media (prefers-color-scheme: dark) { p { color: rgb(7, 8, 9) } }</style></body></html>"""
ACCOUNT = Path(mailer.catalog.account.__file__).parent
FRAME = "document.getElementById('mail').contentDocument"
PROBLEM = "document.getElementById('problem').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    name = f"shop_of_{os.urandom(4).hex()}"
    (tmp_path / f"{name}.py").write_text(CLASS)
    (tmp_path / "parcel.txt").write_text("Parcel {{ number }} & more")
    (tmp_path / "parcel.html").write_text(HOSTILE)
    monkeypatch.syspath_prepend(tmp_path)
    return name, tmp_path


@pytest.fixture
def address(shop: tuple[str, Path]) -> Iterator[str]:
    with serve(
        Collection([shop[0]], Brand.model_validate({"name": "Example", "website": "https://example.com"})), 0
    ) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser: object, address: str) -> Page:
    tab = browser.page(address)  # pyright: ignore[reportAttributeAccessIssue]
    tab.window(1280, 900)
    tab.wait("document.querySelectorAll('#gallery a').length > 30")
    return tab


def choose(page: Page, **values: object) -> None:
    for name, value in values.items():
        key = "checked" if isinstance(value, bool) else "value"
        page.evaluate(
            f"(() => {{ const field = document.getElementById('controls').elements.{name};"
            f" field.{key} = {json.dumps(value)};"
            " field.dispatchEvent(new Event('change', { bubbles: true })); })()"
        )


def go(page: Page, name: str, said: str) -> None:
    page.evaluate(f"location.hash = '#{name}'")
    page.wait(f"document.getElementById('subject').textContent.includes({json.dumps(said)})")
    page.wait(f"{FRAME}?.readyState == 'complete' && {FRAME}.body?.innerText.length > 0")


def tab_of(page: Page, panel: str) -> None:
    page.evaluate(f"document.querySelector('[aria-controls={panel}]').click()")
    page.wait(f"!document.getElementById('{panel}').hidden")


def test_template_is_chosen_from_the_gallery(page: Page):
    page.evaluate("document.querySelector('#gallery a[href=\"#welcome\"]').click()")
    page.wait("document.getElementById('subject').textContent == 'Welcome to Example'")
    page.wait(f"{FRAME}?.querySelector('h1')?.innerText == 'Welcome to Example'")
    page.evaluate("document.querySelector('nav h1 a').click()")
    page.wait("!document.getElementById('gallery').hidden")


def test_language_width_and_dark_mode_are_switched(page: Page):
    go(page, "parcel", "Parcel 3")
    color = f"getComputedStyle({FRAME}.getElementById('first')).color"
    page.wait(f"{color} == 'rgb(1, 2, 3)'")
    choose(page, scheme=True)
    page.wait(f"{color} == 'rgb(7, 8, 9)'")
    choose(page, scheme=False, width="320")
    page.wait("document.getElementById('mail').width == '320'")
    go(page, "welcome", "Welcome")
    choose(page, locale="es", second="en")
    page.wait(
        "document.getElementById('subject').textContent == 'Te damos la bienvenida a Example / Welcome to Example'"
    )
    page.wait(f"{FRAME}?.documentElement.lang == 'es' && {FRAME}.querySelectorAll('h1').length == 2")


def test_no_mail_of_the_catalog_needs_a_scrollbar_on_a_phone(page: Page):
    choose(page, width="320")
    for link in page.evaluate("[...document.querySelectorAll('#list a')].map((one) => one.getAttribute('href'))"):
        page.evaluate(f"location.hash = '{link}'")
        page.wait(f"document.getElementById('mail').src.includes('/mail/{link[1:]}?')")
        page.wait(f"{FRAME}?.location.pathname == '/mail/{link[1:]}' && {FRAME}.readyState == 'complete'")
        assert page.evaluate(f"{FRAME}.documentElement.scrollWidth") <= 320, link


def test_script_of_a_mail_does_not_run_and_images_can_be_off(page: Page):
    go(page, "parcel", "Parcel 3")
    assert page.evaluate(f"{FRAME}.title") == ""
    choose(page, images=True)
    page.wait("document.getElementById('mail').src.includes('images=off')")
    page.wait(f"{FRAME}?.querySelector('img')?.complete && {FRAME}.querySelector('img').naturalWidth == 0")


def test_text_is_copied_and_headers_are_listed(page: Page, address: str):
    page._chromium.call(
        "Browser.grantPermissions",
        origin=address.rstrip("/"),
        permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
    )
    go(page, "parcel", "Parcel 3")
    tab_of(page, "text")
    assert page.evaluate("document.querySelector('#text pre').textContent") == "Parcel 3 & more\n"
    page.evaluate("document.getElementById('copy').click()")
    page.wait("document.getElementById('copied').textContent == 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == "Parcel 3 & more\n"
    tab_of(page, "headers")
    assert "Auto-Submitted\tauto-generated" in page.evaluate("document.querySelector('#headers table').innerText")


def test_change_of_a_file_is_shown_without_a_reload(page: Page, shop: tuple[str, Path]):
    go(page, "parcel", "Parcel 3")
    file = shop[1] / "parcel.html"
    file.write_text("<p>Changed {{ number }}</p>")
    page.wait(f"{FRAME}?.body?.innerText == 'Changed 3'")
    file.write_text("{{ nubmer }}")
    page.wait(f"{PROBLEM}.includes(\"'nubmer' is undefined\")")
    file.write_text("<p>Mended</p>")
    page.wait(f"{FRAME}?.body?.innerText == 'Mended' && {PROBLEM} == ''")


def test_click_says_which_line_a_part_comes_from(page: Page):
    go(page, "welcome", "Welcome")
    choose(page, locale="es")
    page.wait(f"{FRAME}?.documentElement.lang == 'es'")
    said = []
    for place in ("h1", "td[bgcolor] a", ".foot a"):
        page.wait(f"Boolean({FRAME}?.querySelector('{place}'))")
        page.evaluate(f"{FRAME}.querySelector('{place}').click()")
        said.append(page.evaluate("document.getElementById('place').textContent"))
    lines = (ACCOUNT / "welcome.mjml").read_text().splitlines()
    line = {word: next(i for i, text in enumerate(lines, 1) if word in text) for word in ("<h1>", "<mj-button")}
    assert said[0] == f"welcome.mjml:{line['<h1>']}, <mj-text>"
    assert said[1] == f"welcome.mjml:{line['<mj-button']}, <mj-button>"
    assert said[2].startswith("header.mjml:")


def commit(folder: Path) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*who, "commit", "--quiet", "--message", "Change a parcel"],
    ):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def test_difference_to_the_last_commit_is_shown(page: Page, shop: tuple[str, Path]):
    commit(shop[1])
    go(page, "parcel", "Parcel 3")
    tab_of(page, "difference")
    page.shows("No difference")
    (shop[1] / "parcel.html").write_text(
        '<p style="margin: 0; height: 100px; background: #000">Parcel {{ number }}</p>'
    )
    (shop[1] / "parcel.txt").write_text("Parcel {{ number }} and more")
    page.shows("Plain text, HTML")
    page.wait("document.getElementById('before').contentDocument?.querySelector('#first')?.innerText == 'Parcel 3'")
    page.wait("document.getElementById('after').contentDocument?.querySelector('p')?.style.height == '100px'")
    marks = "[...document.querySelectorAll('#changes pre')][0].querySelector"
    assert page.evaluate(f"{marks}('del').innerText + {marks}('ins').innerText") == "&and"
    page.wait("parseInt(document.getElementById('share').textContent.slice(1)) > 20")
    page.shows("Change a parcel")
    commit(shop[1])
    page.shows("No difference")
    assert page.evaluate("document.getElementById('compare').hidden")


def test_two_mails_are_compared_on_each_width(page: Page, shop: tuple[str, Path]):
    commit(shop[1])
    file = shop[1] / "parcel.html"
    file.write_text(file.read_text().replace("<p ", "<p title='New' "))
    go(page, "parcel", "Parcel 3")
    tab_of(page, "difference")
    page.wait("document.getElementById('share').textContent == '(0%)'")
    for width in (375, 1280):
        page.window(width, 900)
        for look in ("side", "slider", "marked"):
            page.click(f"[value={look}]")
            page.wait(f"document.getElementById('pair').className.endsWith('{look}')")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, look)


def test_checks_of_content_are_listed(page: Page):
    go(page, "welcome", "Welcome")
    tab_of(page, "checks")
    page.wait("document.querySelectorAll('#checks li').length > 5")
    assert "pass: valid HTML" in page.evaluate("document.getElementById('checks').innerText")


def test_list_is_filtered(page: Page):
    page.evaluate(
        "(() => { const field = document.getElementById('filter'); field.value = 'invoice';"
        " field.dispatchEvent(new Event('input')); })()"
    )
    assert page.evaluate("[...document.querySelectorAll('#list a')].map((one) => one.textContent)") == ["invoice due"]


def test_command_serves_until_it_is_interrupted():
    command = [sys.executable, "-m", "mailer", "preview", "--port", "0"]
    with child(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
        assert process.stdout
        said = process.stdout.readline()
        with urlopen(said.split()[-1] + "templates") as answer:  # noqa: S310 - our own
            assert len(json.load(answer)["templates"]) == int(said.split()[0])
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
