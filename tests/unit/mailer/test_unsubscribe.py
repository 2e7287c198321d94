"""Unsubscribe links: signed, for one recipient and one stream, on marketing mail alone."""

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer import (
    ConfigurationError,
    InvalidMessage,
    InvalidUnsubscribeToken,
    Mail,
    Mailer,
    Message,
    RawMime,
    RecipientGuard,
    SendOptions,
    Unsubscribe,
    Unsubscription,
)
from mailer.errors import UnknownStream
from mailer.message import Message as AnyMessage
from mailer.secret_keys import new_key
from mailer.stores.base import Suppression
from mailer.stores.memory import MemorySuppressions
from mailer.transports.base import Transport
from mailer.unsubscribe import KEYS_VARIABLE, STREAMS_VARIABLE, URL_VARIABLE

URL = "https://shop.example.com/unsubscribe"
KEY, OTHER = new_key(), new_key()
ADA = "ada@example.com"
UNSUBSCRIBE = Unsubscribe(URL, keys=KEY)


def token(link: str) -> str:
    return link.rpartition("/")[2]


class Kept(Transport):
    """Keeps what it is given."""

    name = "kept"

    def __init__(self) -> None:
        self.messages: list[AnyMessage] = []

    def send(self, message: AnyMessage) -> Any:
        from mailer.results import RecipientResult, Status

        self.messages.append(message)
        return tuple(RecipientResult(one, Status.SENT, "1") for one in message.recipients)


def mailer(kept: Kept, **arguments: Any) -> Mailer:
    arguments = {"unsubscribe": UNSUBSCRIBE, **arguments}
    return Mailer.over(kept, sender="Shop <shop@example.com>", **arguments)


def headers(kept: Kept) -> dict[str, str]:
    return dict(kept.messages[-1].headers)


@pytest.mark.parametrize("address", [ADA, "Ada Lovelace <ADA@Example.COM>", "a+b%c@münchen.example"])
def test_link_says_who_and_which_stream(address: str):
    read = UNSUBSCRIBE.read(token(UNSUBSCRIBE.link(address, "marketing")))
    assert read.stream == "marketing"
    assert read == UNSUBSCRIBE.read(token(UNSUBSCRIBE.link(read.address, "marketing")))
    assert read.address == read.address.lower()


@given(st.text(max_size=60))
def test_arbitrary_tokens_are_refused(text: str):
    with pytest.raises(InvalidUnsubscribeToken):
        UNSUBSCRIBE.read(text)


@given(st.integers(0, 200), st.text(max_size=2), st.integers(0, 2))
def test_changed_tokens_are_refused(at: int, put: str, cut: int):
    genuine = token(UNSUBSCRIBE.link(ADA, "marketing"))
    changed = genuine[:at] + put + genuine[at + cut :]
    if changed != genuine:
        with pytest.raises(InvalidUnsubscribeToken):
            UNSUBSCRIBE.read(changed)


def test_parts_of_two_tokens_do_not_fit():
    one, two = (token(UNSUBSCRIBE.link(who, "marketing")).split(".") for who in (ADA, "bob@example.com"))
    with pytest.raises(InvalidUnsubscribeToken):
        UNSUBSCRIBE.read(".".join([*one[:3], two[3]]))


def test_rotated_key_reads_old_links_and_signs_new_ones():
    old = UNSUBSCRIBE.link(ADA, "marketing")
    rotated = Unsubscribe(URL, keys=f"{OTHER},{KEY}")
    assert rotated.read(token(old)) == Unsubscription(ADA, "marketing")
    with pytest.raises(InvalidUnsubscribeToken):
        UNSUBSCRIBE.read(token(rotated.link(ADA, "marketing")))
    with pytest.raises(InvalidUnsubscribeToken):
        Unsubscribe(URL, keys=OTHER).read(token(old))


def test_marketing_mail_has_both_headers():
    kept = Kept()
    mailer(kept).send(
        Message(subject="News", text="News", to=ADA, headers={"List-Id": "<news.example.com>"}), stream="marketing"
    )
    found = headers(kept)
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = found["List-Unsubscribe"]
    assert (link[:1], link[-1:]) == ("<", ">")
    assert UNSUBSCRIBE.read(token(link[1:-1])) == Unsubscription(ADA, "marketing")
    assert found["List-Id"] == "<news.example.com>"


def test_transactional_mail_has_none():
    kept = Kept()
    mailer(kept).send(Message(subject="Code", text="Code", to=[ADA, "bob@example.com"]))
    assert headers(kept) == {}


def test_mailer_without_links_writes_none():
    kept = Kept()
    mailer(kept, unsubscribe=None).send(Message(subject="News", text="News", to=ADA), stream="marketing")
    assert headers(kept) == {}


def test_transactional_streams_cannot_carry_links():
    with pytest.raises(ConfigurationError, match="transactional"):
        Unsubscribe(URL, keys=KEY, streams=["marketing", "transactional"])
    with pytest.raises(ConfigurationError, match="carries no"):
        UNSUBSCRIBE.link(ADA, "transactional")


def test_unknown_stream_is_an_error_at_once():
    with pytest.raises(UnknownStream):
        mailer(Kept(), unsubscribe=Unsubscribe(URL, keys=KEY, streams="news"))


def test_own_header_is_kept():
    kept, own = Kept(), {"List-Unsubscribe": "<mailto:leave@example.com>"}
    mailer(kept).send(Message(subject="News", text="News", to=ADA, headers=own), stream="marketing")
    assert headers(kept) == own


def test_several_recipients_are_refused_before_sending():
    kept = Kept()
    with pytest.raises(InvalidMessage, match="2 recipients"):
        mailer(kept).send(Message(subject="News", text="News", to=[ADA, "bob@example.com"]), stream="marketing")
    assert kept.messages == []


def test_many_mails_have_links_of_their_own():
    kept = Kept()
    message = Message(subject="News", text="News", stream="marketing")
    people = [f"u{number}@example.com" for number in range(20)]
    assert all(one.result for one in mailer(kept).send_many(Mail(message, to=one) for one in people))
    for sent in kept.messages:
        link = dict(sent.headers)["List-Unsubscribe"][1:-1]
        assert UNSUBSCRIBE.read(token(link)).address == sent.to[0].email


def test_too_many_headers_are_refused_before_sending():
    kept = Kept()
    many = {f"X-{number}": "x" for number in range(14)}
    with pytest.raises(InvalidMessage, match="16 headers"):
        mailer(kept).send(Message(subject="News", text="News", to=ADA, headers=many), stream="marketing")


def test_raw_mime_needs_a_header_of_its_own():
    kept, head = Kept(), "From: shop@example.com\nTo: ada@example.com\nSubject: News\n"
    with pytest.raises(InvalidMessage, match="List-Unsubscribe"):
        mailer(kept).send(RawMime(f"{head}\nlist-unsubscribe: no\n".encode()), stream="marketing")
    own = f"{head}List-Unsubscribe: <mailto:leave@example.com>\n\nNews\n"
    assert mailer(kept).send(RawMime(own.encode()), stream="marketing").ok


def test_contact_list_of_ses_writes_its_own():
    kept = Kept()
    options = SendOptions(contact_list="readers")
    mailer(kept).send(Message(subject="News", text="News", to=ADA, options=options), stream="marketing")
    assert headers(kept) == {}


def test_redirected_mail_unsubscribes_the_team_only():
    kept = Kept()
    guard = RecipientGuard(redirect_to="team@example.com")
    mailer(kept, guard=guard).send(Message(subject="News", text="News", to=ADA), stream="marketing")
    link = headers(kept)["List-Unsubscribe"][1:-1]
    assert UNSUBSCRIBE.read(token(link)).address == "team@example.com"


def test_unsubscription_stops_that_stream_only():
    kept, suppressions = Kept(), MemorySuppressions()
    suppressions.put(Suppression(ADA, "unsubscribe", scope="stream:marketing"))
    with mailer(kept, suppressions=suppressions) as sending:
        assert not sending.send(Message(subject="News", text="News", to=ADA), stream="marketing").ok
        assert sending.send(Message(subject="Code", text="Code", to=ADA)).ok


def test_idempotency_key_survives_a_rotation():
    from mailer.stores.memory import MemoryIdempotency

    kept, keys = Kept(), MemoryIdempotency()
    message = Message(subject="News", text="News", to=ADA, stream="marketing")
    for links in (UNSUBSCRIBE, Unsubscribe(URL, keys=[OTHER, KEY])):
        assert mailer(kept, idempotency=keys, unsubscribe=links).send(message, idempotency_key="news-7").ok
    assert len(kept.messages) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/u", "shop.example.com", "https://", "https://shop.example.com/u?x=1", "",
        "https://shop.example.com/u#x", "https://shop.example.com/<u>", "https://[::1/u", "https://münchen.example/u",
        "https://shop.example.com/u\n",
    ],
)  # fmt: skip
def test_url_that_mail_programs_cannot_use_is_refused(url: str):
    with pytest.raises(ConfigurationError):
        Unsubscribe(url, keys=KEY)


@pytest.mark.parametrize("keys", ["", ",", "short", base64.b64encode(b"x" * 31).decode(), "§", []])
def test_weak_keys_are_refused(keys: "str | list[str]"):
    with pytest.raises(ConfigurationError) as raised:
        Unsubscribe(URL, keys=keys)
    assert "new-key" in raised.value.hint


def test_environment_configures_the_mailer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert Unsubscribe.from_environment({}) is None
    for name, value in {
        URL_VARIABLE: f"{URL}/",
        KEYS_VARIABLE: f" {KEY} , {OTHER}",
        STREAMS_VARIABLE: "marketing",
    }.items():
        monkeypatch.setenv(name, value)
    kept = Kept()
    mailer(kept, unsubscribe=None).send(Message(subject="News", text="News", to=ADA), stream="marketing")
    assert headers(kept)["List-Unsubscribe"] == f"<{UNSUBSCRIBE.link(ADA, 'marketing')}>"


def test_repr_names_no_full_address():
    assert ADA not in repr(UNSUBSCRIBE.read(token(UNSUBSCRIBE.link(ADA, "marketing"))))
