"""`mailer trace`: the timeline of a message or an address, on the screen, as JSON and as a page."""

import json
from argparse import Namespace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mailer.cli import main, parser
from mailer.cli.trace import search, show
from mailer.errors import ConfigurationError
from mailer.stores.memory_messages import MemoryMessageLog
from tests.contract.message_log import ADA, BOB, HISTORY, ID, NOW, SES_ID, entry, id_at
from tests.unit.mailer.stack_outputs import outputs

SOON = NOW + timedelta(minutes=5)
HOSTILE = '<script src="https://evil.test/x.js"></script><img src=//evil.test>'


@pytest.fixture
def log() -> MemoryMessageLog:
    kept = MemoryMessageLog(30, clock=lambda: SOON)
    kept.add(HISTORY)
    return kept


def given(*arguments: str) -> Namespace:
    return parser().parse_args(["trace", *arguments])


def traced(log: MemoryMessageLog, *arguments: str) -> None:
    options = given(*arguments)
    show(search(log, options, now=SOON), options)


def test_timeline_can_be_read_out(log: MemoryMessageLog, capsys: pytest.CaptureFixture[str]):
    traced(log, BOB)
    assert capsys.readouterr().out == (
        f"Message {ID}, SES id 0100-example, template welcome, configuration set mailstack-dev-transactional, "
        "order=1234, campaign=spring: bounced\n"
        "  2026-03-02 12:00:01  b***@example.org  Accepted by Amazon SES\n"
        "  2026-03-02 12:00:02  b***@example.org  Bounced: there is no such mailbox (smtp; 550 5.1.1 unknown)\n\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        (ID,),
        (SES_ID,),
        (f"<{SES_ID}@eu-west-1.amazonses.com>",),
        (f"{SES_ID}@email.amazonses.com",),
        ("--tag", "order=1234"),
        ("--template", "welcome"),
    ],
)
def test_message_is_found_by_each_of_its_names(
    log: MemoryMessageLog, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
):
    traced(log, *arguments, "--json")
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["id"], found["state"], len(found["timeline"])) == (ID, "complained", len(HISTORY))


def test_addresses_are_masked_unless_asked_for(log: MemoryMessageLog, capsys: pytest.CaptureFixture[str]):
    traced(log, ADA)
    assert ADA not in capsys.readouterr().out
    traced(log, ADA, "--show-addresses")
    assert ADA in capsys.readouterr().out


def test_nothing_found_says_so_without_the_address(log: MemoryMessageLog, capsys: pytest.CaptureFixture[str]):
    traced(log, "eve@example.org")
    assert capsys.readouterr().out == "The message log has nothing about e***@example.org in this time.\n"


def test_id_without_entries_says_what_that_means(log: MemoryMessageLog, capsys: pytest.CaptureFixture[str]):
    traced(log, id_at(NOW))
    assert "it is not known whether Amazon SES accepted it; decided by 13:00 UTC" in capsys.readouterr().out
    traced(log, id_at(NOW - timedelta(hours=2)))
    assert "Amazon SES did not accept it" in capsys.readouterr().out


def test_old_messages_are_found_by_more_days(log: MemoryMessageLog, capsys: pytest.CaptureFixture[str]):
    earlier = NOW - timedelta(days=10)
    log.add([entry(recipient="eve@example.org", id_=id_at(earlier), sent_at=earlier, at=earlier)])
    traced(log, "eve@example.org", "--json")
    assert json.loads(capsys.readouterr().out) == []
    traced(log, "eve@example.org", "--json", "--days", "20")
    assert len(json.loads(capsys.readouterr().out)) == 1


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.loads, self.text = set[str](), list[str](), ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [name for name, _ in attrs if name in {"src", "href", "srcset", "data", "action"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_is_escaped_and_loads_nothing(log: MemoryMessageLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log.add([entry("Bounce", "eve@example.org", words=HOSTILE, template=HOSTILE, tags=((HOSTILE, HOSTILE),))])
    file = tmp_path / "trace.html"
    traced(log, ID, "--html", str(file))
    page = Page(file.read_text(encoding="utf-8"))
    assert not page.tags & {"script", "img", "link", "iframe", "a", "form"}
    assert page.loads == []
    assert HOSTILE in page.text
    assert "a***@example.org" in page.text
    assert ADA not in page.text
    assert "Delivered to the mail server of example.org at 192.0.2.25" in page.text


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "needs one thing"),
        ((ADA, "--tag", "a=b"), "needs one thing"),
        (("--tag", "order"), "--tag is 'order'"),
        (("ada@",), "mailbox|address|domain"),
        ((ADA, "--html", "/nowhere/trace.html"), "cannot be written"),
    ],
)
def test_unclear_search_is_refused(log: MemoryMessageLog, arguments: tuple[str, ...], problem: str):
    with pytest.raises(ConfigurationError, match=problem):
        traced(log, *arguments)


def test_stack_without_a_log_names_the_setting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs().to_json())
    assert main(["trace", ID]) == 2
    assert "mailstack:messageLog.days" in capsys.readouterr().err
