"""Addresses: what is read, what is refused, and what two spellings share."""

from email import message_from_string
from email.header import decode_header, make_header
from email.policy import default
from typing import Any

import pytest

from mailer.address import Address, address_key, mask
from mailer.errors import InvalidAddress


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada Lovelace <ada@example.com>", "Ada Lovelace <ada@example.com>"),
        ('"Lovelace, Ada" <ada@example.com>', '"Lovelace, Ada" <ada@example.com>'),
        ("Ada <ada@bücher.example>", "Ada <ada@xn--bcher-kva.example>"),
        ("Ädá <ada@example.com>", "=?utf-8?b?w4Rkw6E=?= <ada@example.com>"),
        ("o'brien+tag@example.com", "o'brien+tag@example.com"),
        ("<ada@example.com>", "ada@example.com"),
        ("ada@example.com (Ada Lovelace)", "Ada Lovelace <ada@example.com>"),
        ("O'Brien <ada@example.com>", '"O\'Brien" <ada@example.com>'),
        ("J.R.R. Tolkien <ada@example.com>", '"J.R.R. Tolkien" <ada@example.com>'),
        ('"The \\"First\\"" <ada@example.com>', '"The \\"First\\"" <ada@example.com>'),
        ('"ada@example.com" <eve@example.org>', '"ada@example.com" <eve@example.org>'),
        ('"Team: Ada" <ada@example.com>', '"Team: Ada" <ada@example.com>'),
        ("=?utf-8?q?Eve?= <ada@example.com>", "=?utf-8?b?PT91dGYtOD9xP0V2ZT89?= <ada@example.com>"),
    ],
)
def test_a_mailbox_is_read_and_written_as_a_header(text: str, header: str):
    assert Address.parse(text).formatted() == header


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ada", "has no @"),
        ("@example.com", "has no local part before the @"),
        ("ada@localhost", "without a dot"),
        ("ada@-example.com", "DNS cannot hold"),
        ("ada@exa mple.com", "not one mailbox"),
        ("ädä@example.com", "non-ASCII characters before"),
        ("a" * 65 + "@example.com", "too long"),
        ("ada@" + "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "." + "d" * 63, "too long"),
        ("ada..l@example.com", "does not allow"),
        ("ada@example.com, bob@example.com", "not one mailbox"),
        ("ada@example.com\r\nBcc: eve@example.org", "control character"),
        ("", "not one mailbox"),
        ("ada@127.0.0.1", "top-level domain"),
        ("ada@example.123", "top-level domain"),
        ("=?utf-8?q?eve=40example.org?=@example.com", "encoded word"),
        ("=?x?=@example.com", "encoded word"),
        ('"ada lovelace"@example.com', "quoted local part"),
        ("Team: ada@example.com;", "not one mailbox"),
        ("Team: ada@example.com, eve@example.org;", "not one mailbox"),
        ("undisclosed-recipients:;", "not one mailbox"),
        ("Team: Ada <ada@example.com>;", "not one mailbox"),
        ("Team: Ada <ada@example.com>", "not one mailbox"),
        ("Lovelace, Ada <ada@example.com>", "not one mailbox"),
        ("eve@example.org <ada@example.com>", "not one mailbox"),
        ("<@example.org:ada@example.com>", "not one mailbox"),
        ("ada@example.com eve@example.org", "not one mailbox"),
        ("ada(x)@example.com", "not one mailbox"),
        ("\u202eada@example.com", "non-ASCII characters before"),
        ("Ada\u202e <ada@example.com>", "bidirectional control"),
        ("x" * 100_000 + "@example.com", "not one mailbox"),
        ("a." * 50_000, "not one mailbox"),
    ],
)
def test_undeliverable_address_is_refused_with_a_reason(text: str, complaint: str):
    with pytest.raises(InvalidAddress, match=complaint):
        Address.parse(text)


@pytest.mark.parametrize("end_of_line", ["\r\n", "\n", "\x0b", "\x85", "\u2028", "\u2029", "\ud800"])
def test_line_break_in_display_name_injects_no_header(end_of_line: str):
    with pytest.raises(InvalidAddress, match="control character"):
        Address("ada@example.com", f"Ada{end_of_line}Bcc: eve@example.org")


def test_long_non_ascii_name_is_split_into_encoded_words():
    header = Address("ada@example.com", "é" * 128).formatted()
    assert "\n" not in header
    assert all(len(word) <= 75 for word in header.split(" "))
    assert str(make_header(decode_header(header.rpartition(" <")[0]))) == "é" * 128


def test_a_name_is_read_back_as_it_was_given():
    for name in (
        "O'Brien",
        'A "quoted" \\ name',
        "Ada, Countess",
        "=?utf-8?q?Eve?=",
        "Ädá =?x",
        "a@b",
        "(x) [y] <z>",
    ):
        parsed = message_from_string(f"To: {Address('ada@example.com', name).formatted()}\n\n", policy=default)[
            "to"
        ].addresses
        assert [(one.display_name, one.addr_spec) for one in parsed] == [(name, "ada@example.com")]


@pytest.mark.parametrize(
    "value", [None, 7, b"ada@example.com", Address, {"ada@example.com": "Ada"}, ["ada@example.com"]]
)
def test_value_that_is_no_text_is_refused_with_a_hint(value: Any):
    for make in (Address, Address.parse):
        with pytest.raises(InvalidAddress) as refusal:
            make(value)
        assert refusal.value.hint


def test_its_repr_is_masked():
    shown = repr([Address("lovelace@example.com", "Ada Lovelace")])
    assert shown == "[<Address l***@example.com>]"


def test_a_name_that_is_no_name_is_refused():
    with pytest.raises(InvalidAddress, match="longer than 128"):
        Address("ada@example.com", "a" * 129)


def test_a_refusal_does_not_show_the_whole_address():
    with pytest.raises(InvalidAddress) as refusal:
        Address.parse("adalovelace@localhost")
    assert "adalovelace" not in str(refusal.value)


@pytest.mark.parametrize(
    "spelling",
    ["ada@example.com", "ADA@Example.COM", "Ada <ada@example.com>", " <ada@example.com> ", "<Ada@EXAMPLE.com>"],
)
def test_spellings_of_one_mailbox_share_a_key(spelling: str):
    assert address_key(spelling) == "ada@example.com"


@pytest.mark.parametrize("junk", ["", "@", "no address", "a@b@c", "\x00", "ada@" + "ü" * 80 + ".example"])
def test_a_key_is_made_of_anything(junk: str):
    assert address_key(junk) == address_key(address_key(junk))


def test_a_mask_keeps_the_domain_and_hides_the_person():
    assert mask("Ada <ada@example.com>") == "a***@example.com"
