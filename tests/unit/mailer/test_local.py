"""Without AWS: mails become files with an index page, by a method or by the environment alone."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from mailer.attachment import Attachment
from mailer.catalog import VerificationCode
from mailer.content import RawMime, StoredTemplate
from mailer.errors import ConfigurationError, StackNotFound, UnknownStream
from mailer.local import Place
from mailer.mailer import Mailer
from mailer.message import Message
from mailer.results import Status
from mailer.stack import load
from mailer.stores.base import Suppression
from mailer.testing.memory import MemorySuppressions

CODE = VerificationCode(code="424242")
ADA = "Ada <ada@example.com>"
RAW = b"From: shop@example.test\r\nTo: ada@example.com\r\nSubject: Raw one\r\n\r\nHello\r\n"


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "MAILSTACK_OUTPUTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def mails(folder: Path) -> list[EmailMessage]:
    return [message_from_bytes(one.read_bytes(), policy=policy.default) for one in sorted(folder.glob("*.eml"))]


def test_local_mailer_works_without_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    result = Mailer.local().send(CODE, to=ADA)
    assert result.ok
    (mail,) = mails(tmp_path / "mails")
    assert (mail["Subject"], str(mail["To"])) == ("424242 is your example.test code", ADA)
    assert "424242" in str(mail.get_body(("html",)))
    shown = capsys.readouterr().err
    assert "Mail to ada@example.com: 424242 is your" in shown
    assert "file://" in shown


def test_index_lists_every_mail_and_its_pages_exist(tmp_path: Path):
    mailer = Mailer.local(tmp_path / "a" / "b", console=False)
    for number in range(3):
        assert mailer.send(Message(subject=f"Mail <{number}>", text="Hello", to=ADA)).ok
    index = (tmp_path / "a" / "b" / "index.html").read_text(encoding="utf-8")
    assert index.count("<h1>") == 1
    assert [f"Mail &lt;{number}&gt;" in index for number in range(3)] == [True] * 3
    pages = re.findall(r'href="([^"]+)"', index)
    assert len(pages) == 3
    assert all((tmp_path / "a" / "b" / page).exists() for page in pages)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o077 == 0


def test_html_of_a_mail_cannot_act_on_the_page(tmp_path: Path):
    evil = '"></iframe><script>alert(1)</script>'
    Mailer.local(tmp_path, console=False).send(Message(subject=f"Hi {evil}", text=evil, html=evil, to=ADA))
    (page,) = (one for one in tmp_path.glob("*.html") if one.name != "index.html")
    for written in (page, tmp_path / "index.html"):
        assert "<script>" not in written.read_text(encoding="utf-8")
    assert 'sandbox="allow-popups' in page.read_text(encoding="utf-8")


def test_attachments_and_headers_are_in_the_file(tmp_path: Path):
    files = [Attachment("a.bin", bytes(range(256))), Attachment("logo.png", b"\x89PNG", content_id="logo")]
    files.append(Attachment("grüße.txt", "Grüße\r\n".encode(), "text/plain; charset=utf-8"))
    files.append(Attachment("inner.eml", b"Subject: Inner\r\n\r\nHello\r\n"))
    message = Message(subject="a", text="b", html="<p>", to=ADA, headers={"X-Order": "7"}, attachments=files)
    Mailer.local(tmp_path, console=False).send(message)
    (mail,) = mails(tmp_path)
    assert mail["X-Order"] == "7"
    named = {part.get_filename(): part for part in mail.walk() if part.get_filename()}
    inner = files.pop()
    assert str(named.pop(inner.filename).get_payload(0)) == inner.content.decode().replace("\r\n", "\n")  # pyright: ignore[reportArgumentType] - the stub knows no index
    assert {name: part.get_payload(decode=True) for name, part in named.items()} == {
        file.filename: file.content for file in files
    }


@pytest.mark.parametrize(
    ("content", "words"), [(RawMime(RAW), "Raw one"), (StoredTemplate("welcome", {"name": "Ada"}), '"name": "Ada"')]
)
def test_content_of_ses_and_raw_mime_are_shown(content: Any, words: str, tmp_path: Path):
    assert Mailer.local(tmp_path, console=False).send(content, to=ADA).ok
    (page,) = (one for one in tmp_path.glob("*.html") if one.name != "index.html")
    assert words in page.read_text(encoding="utf-8").replace("&quot;", '"')


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_environment_makes_any_stack_local(stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "my mails"
    monkeypatch.setenv("MAILSTACK_OUTPUTS", f"local://{folder}?streams=transactional,news&sender=shop@example.org")
    mailer = Mailer.from_stack(stack)
    assert mailer.outputs.stack == stack
    assert mailer.send(CODE, to=ADA, stream="news").ok
    assert [str(mail["From"]) for mail in mails(folder)] == ["shop@example.org"]
    with pytest.raises(UnknownStream, match="news, transactional"):
        mailer.send(CODE, to=ADA, stream="marketing")


def test_given_suppressions_hold_in_a_local_mailer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", f"local:{tmp_path}")
    suppressions = MemorySuppressions()
    suppressions.put(Suppression("ada@example.com", "bounce"))
    result = Mailer.from_stack("dev", suppressions=suppressions).send(CODE, to=ADA)
    assert [one.status for one in result] == [Status.SUPPRESSED]
    assert not mails(tmp_path)


@pytest.mark.parametrize("text", ["local://host/path", "local:///a?stream=b", "local:///a#b"])
def test_an_invalid_local_place_is_a_configuration_error(text: str):
    with pytest.raises(ConfigurationError, match="is not a place for local mail") as error:
        Place.parse(text)
    assert "MAILSTACK_OUTPUTS=local:" in error.value.hint


@pytest.mark.parametrize(("text", "folder"), [("local:", "mails"), ("local:a/b", "a/b"), ("local:///a%20b", "/a b")])
def test_a_local_place_names_its_folder(text: str, folder: str):
    assert Place.parse(text).folder == folder


def test_a_folder_that_cannot_be_written_is_the_result(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    result = Mailer.local(tmp_path / "file" / "mails", console=False).send(CODE, to=ADA)
    assert [one.status for one in result] == [Status.REFUSED]
    assert "cannot be written" in result[ADA].reason


def test_outputs_of_a_local_place_are_no_stack(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", "local:///tmp/mails")
    with pytest.raises(StackNotFound, match="no stack"):
        load("dev")


def test_a_local_mailer_warns_that_nothing_is_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    Mailer.local(tmp_path)
    assert "Mail is not sent" in caplog.text
