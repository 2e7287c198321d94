"""`mailer templates score`: what can be seen without another program, and the report."""

import json
import sys
from typing import Any

import pytest

from mailer.cli import main
from mailer.message import Message
from mailer.quality import clients, content
from mailer.quality.features import used
from mailer.quality.page import read
from mailer.quality.report import Check, Score
from mailer.quality.score import hosts, score
from mailer.templates.brand import Brand, BrandLink

BRAND = Brand(name="Example", website="https://example.com/")
HEAD = '<!doctype html><html lang="en"><head><title>Note</title></head><body>'
PAGE = f'{HEAD}<h1>Hello Ada</h1><a href="https://app.example.com/1">Open</a></body></html>'
TEXT = "Hello Ada. Open: https://app.example.com/1\n"
WELCOME = ["templates", "score", "welcome", "--set", "name=Ada", "--set", "dashboard_url=https://app.example.com/"]


def message(html: str = PAGE, *, text: str = TEXT, subject: str = "Note") -> Message:
    return Message(subject=subject, text=text, html=html, to="reader@example.org", sender="no-reply@example.com")


def states(mail: Message, brand: Brand = BRAND) -> dict[str, Check]:
    return {check.name: check for check in score(mail, brand, browser=False, spam=False).checks}


def test_good_mail_passes_every_check():
    found = states(message())
    assert {name: check.state for name, check in found.items() if check.state != "pass"} == {}


IMAGE = "<img src='https://example.com/a.png'{}>"


def changed(old: str, new: str) -> Message:
    assert old in PAGE
    return message(PAGE.replace(old, new))


@pytest.mark.parametrize(
    ("name", "state", "mail", "said"),
    [
        ("size", "fail", changed("Ada", "x" * 105_000), "Gmail clips after 102 kB"),
        ("size", "warn", changed("Ada", "x" * 90_000), "Gmail clips"),
        ("subject", "warn", message(subject="x" * 61), "61 characters"),
        ("plain text", "warn", message(text="Hello"), "it lacks the link https://app.example.com/1"),
        ("plain text", "warn", message(text=f"Other words. {TEXT[17:]}" + "x" * 999), "more than the 998"),
        ("links", "fail", changed("https:", "http:"), "which is http and not https"),
        ("links", "fail", changed("https://app.example.com", ""), "'/1', which is relative"),
        ("links", "fail", changed("https://app.example.com/1", ""), "which is empty"),
        ("hosts", "warn", changed("app.example.com", "www.example.org"), "www.example.org is not a host"),
        ("links", "fail", changed("<h1>", "<h1 style='background:url(/a.png)'>"), "a style has '/a.png', which is rel"),
        ("hosts", "warn", changed("</head>", "<style>@import 'https://x.test/a.css';</style></head>"), "x.test is not"),
        ("hosts", "warn", changed("<body>", "<body background='https://y.test/a.png'>"), "y.test is not a host"),
        ("images off", "fail", changed("<h1>", f"<h1>{IMAGE.format('')}"), "has no alt"),
        ("images off", "fail", changed(">Open", f">{IMAGE.format(' alt=')}"), "only an image"),
        ("language", "fail", changed('lang="en"', 'lang="und"'), "lang='und'"),
        ("language", "fail", changed("<title>Note</title>", ""), "no <title>"),
        ("valid HTML", "fail", changed("</a>", "</a></b>"), "unexpected-end-tag"),
        ("Outlook", "fail", changed("<h1>Hello Ada</h1>", "<!--[if mso]>Hello Ada-->"), "1 conditional comments begin"),
    ],
)
def test_each_mistake_is_found(name: str, state: str, mail: Message, said: str):
    check = states(mail)[name]
    assert (check.state, said in " ".join((check.summary, *check.details))) == (state, True)


def test_links_to_the_home_page_need_not_be_in_the_text():
    page = PAGE.replace("<h1>", '<a href="https://example.com/">Example</a><h1>')
    assert states(message(page))["plain text"].state == "pass"


def test_hosts_of_the_brand_are_those_that_it_names():
    brand = Brand(website="https://example.com", social=(BrandLink(label="x", url="https://social.example.org/@x"),))
    assert hosts(brand) == {"example.com", "social.example.org"}
    assert hosts(Brand(logo="https://cdn.example.net/a.png")) == set()
    assert states(message(), Brand())["hosts"].state == "skip"


def test_plain_text_alone_is_scored_without_its_page():
    found = states(message(html=""))
    assert [(check.name, check.state) for check in found.values()] == [("subject", "pass"), ("HTML", "skip")]


@pytest.mark.parametrize(
    ("html", "slugs"),
    [
        ('<div style="display:flex;gap:1rem">', "css-display css-display-flex css-gap css-unit-rem html-div"),
        ("<style>a > b:hover { color: rgb(1,2,3) }</style>", "css-selector-child css-pseudo-class-hover css-rgb"),
        ("<style>#c, p { top: 0 !important }</style>", "css-selector-id css-selector-grouping css-important"),
        ("<style>@media (prefers-color-scheme: dark) { a {} }</style>", "css-at-media-prefers-color-scheme"),
        ("<style>.a { width: calc(1% + 2px) }</style>", "css-width css-unit-calc css-unit-percent css-unit-px"),
        ("<style>@font-face { font-family: x } p { --x: 1 }</style>", "css-at-font-face css-variables"),
        ("<h2>a</h2><ul></ul><section></section>", "html-h1-h6 html-lists html-semantics"),
        ('<input type="checkbox"><a href="#x">a</a>', "html-input-checkbox html-anchor-links"),
        ('<a href="mailto:a@example.com">b</a>', "html-mailto-links"),
        ('<img src="https://example.com/a.jpeg?x" srcset="y">', "image-jpg html-srcset html-img"),
        ('<img src="data:image/png;base64,x"><svg></svg>', "image-base64 html-svg"),
    ],
)
def test_features_are_recognised(html: str, slugs: str):
    assert set(slugs.split()) - used(read(html)) == set()


def test_clients_differ_in_what_they_support():
    grid = "".join(f'<div style="display:grid;{one}">' for one in ("gap:1px", "object-fit:cover", "filter:none"))
    shares = clients.support(read(grid))
    assert shares["Apple Mail (macOS)"] > shares["Outlook (Windows)"]
    check = clients.check(read(grid))
    assert check.state == "warn"
    assert any(line.startswith("display:grid is not supported by ") for line in check.details)
    assert clients.check(read("")).state == "pass"


def test_comments_for_outlook_alone_are_not_counted():
    page = read('<!--[if mso]><table style="position:fixed"><![endif]--><div></div>')
    assert [element.tag for element in page.elements] == ["div"]


def test_report_says_what_failed(capsys: pytest.CaptureFixture[str]):
    assert main([*WELCOME, "--no-browser", "--no-spam"]) == 0
    shown = capsys.readouterr().out
    assert "ok        valid HTML:  no error of the parser" in shown
    assert shown.endswith("welcome: no check failed\n")
    link = [*WELCOME[:-1], "dashboard_url=http://app.example.com/"]
    assert main([*link, "--no-browser", "--no-spam", "--json"]) == 1
    data: Any = json.loads(capsys.readouterr().out)
    (failed,) = [check for check in data["checks"] if check["state"] == "fail"]
    assert (data["ok"], failed["name"], data["clients"]["Gmail (iOS)"] > 50) == (False, "links", True)


def test_skipped_and_warned_checks_do_not_fail_a_mail():
    checks = [Check("a", "skip", ""), Check("b", "warn", ""), Check("c", "pass", "")]
    assert Score("x", tuple(checks)).ok
    assert not Score("x", (*checks, Check("d", "fail", ""))).ok


def test_without_the_extra_the_error_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "tinycss2", None)
    assert main(WELCOME) == 2
    assert "Install them: pip install" in capsys.readouterr().err


def test_size_limit_is_that_of_gmail():
    assert content.size("x" * (content.GMAIL_CLIPS - 1)).state == "warn"
    assert content.size("x" * content.GMAIL_CLIPS).state == "fail"
