"""The recipient field of a report, which a remote server wrote, and whom the report is about."""

import random

import pytest

from mailer.address import address_key
from mailer.errors import MalformedEvent
from mailer.feedback.recipients import Destination, named_address
from mailer.stores.base import Suppression

ADA = "ada@example.org"


@pytest.mark.parametrize(
    "field",
    [
        "ada@example.org",
        " Ada@Example.ORG\r\n",
        "<ada@example.org>",
        "< ada@example.org >",
        "<ada@example.org>:",
        "ada@example.org;",
        "ada@example.org.",
        # RFC 3464 §2.3.2 and RFC 6533: the type of the address
        "rfc822;ada@example.org",
        "RFC822; <ada@example.org>",
        "rfc822 ;\tada@example.org",
        "rfc822;Ada Lovelace <ada@example.org>",
        "utf-8; ada@example.org",
        "x-local;ada@example.org",
        # RFC 5322 §3.4: a name, a group of one
        "Ada Lovelace <ada@example.org>",
        '"Lovelace, Ada" <ada@example.org>',
        '"Ada \\"the first\\" <1815>" <ada@example.org>',
        '"Ada (Countess" <ada@example.org>',
        "Ada @ home <ada@example.org>",
        "=?utf-8?q?Ada?= <ada@example.org>",
        "Team: Ada <ada@example.org>;",
        "ada@example.org <ada@example.org>",
        '"Ada@Example.org" <ada@example.org>',
        # RFC 5322 §3.2.2: comments, also nested and with quoted pairs
        "ada@example.org (Ada Lovelace)",
        "(Ada (the first)) ada@example.org",
        '(5" \\) wide) <ada@example.org> (gone)',
        "ada@example.org (ada@example.org)",
        # quotes around the whole, and quotes without need: RFC 5321 §4.1.2
        "'ada@example.org'",
        '"ada@example.org"',
        '"ada"@example.org',
        '"a\\da"@example.org',
    ],
)
def test_one_address_is_found_in_every_form(field: str):
    assert named_address(field) == ADA


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("o'brien@example.org", "o'brien@example.org"),
        ("ada..lovelace.@example.org", "ada..lovelace.@example.org"),  # a Japanese carrier allowed these
        ('"ada lovelace"@example.org', '"ada lovelace"@example.org'),
        ('"ada@example.com"@example.org', '"ada@example.com"@example.org'),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ädä@example.org", "ädä@example.org"),
        ("ada@[192.0.2.1]", "ada@[192.0.2.1]"),
        ("ada@mail01", "ada@mail01"),
        ("ada=example.com@example.org", "ada=example.com@example.org"),
    ],
)
def test_an_unusual_address_stays_itself(field: str, address: str):
    assert named_address(field) == address
    assert Suppression(address, "bounce").address == address


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        *((field, "names no address") for field in ("", " ", "ada", "@", "ada@", "@example.org", "<>", "x400; /C=de")),
        ("x-unix;ada", "names no address"),
        *(
            (field, "several addresses")
            for field in (
                "<ada@example.org> <bob@example.com>",
                "bob@example.com <ada@example.org>",
                '"bob@example.com" <ada@example.org>',
                "ada@example.org (was bob@example.com)",
                "Ada (bob@example.com) <ada@example.org>",
            )
        ),
        *(
            (field, "exactly one address")
            for field in (
                "ada@example.org, bob@example.com",
                "ada@example.org; bob@example.com",
                "ada;bob@example.com",
                "ada@example.org bob@example.com",
                "ada@bob@example.org",
                "a(b)c@example.org",
                "ada @example.org",
                "ada@exam ple.org",
                "ada@example..org",
                "'ada@example.org",
                "ada@example.org'",
                "mailto:ada@example.org",
                "<@relay.test:ada@example.org>",
                "=?utf-8?q?bob?=@example.org",
                "ada\\@example.org",
                "ada\x00@example.org",
                "ada\u202e@example.org",
                "ada\u200b@example.org",
                "ada\u00a0x@example.org",
                "ada\ud800@example.org",
                '""@example.org',
            )
        ),
        *(
            (field, "do not match")
            for field in (
                "<ada@example.org",
                "ada@example.org>",
                "<<ada@example.org>>",
                '"Ada <ada@example.org>',
                'Ada" <ada@example.org>',
                "(ada@example.org",
                "ada@example.org)",
                "((ada) ada@example.org",
                '"ada@example.org',
            )
        ),
        ("ada@example.org" + " " * 1000, "longer than 1000"),
    ],
)
def test_a_field_without_exactly_one_address_is_refused(field: str, problem: str):
    with pytest.raises(MalformedEvent, match=problem) as refused:
        named_address(field)
    assert "@" not in str(refused.value)
    assert "example" not in str(refused.value)


PIECES = (
    ADA, "bob@example.com", "<", ">", '"', "'", "(", ")", "\\", ",", ";", ":", " ", "\t", "\r\n", "@", ".", "Ada",
    "rfc822;", "=?utf-8?q?x?=", "[", "]", "ü", "\x00", "\u202e", "\ud800",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_server_text_never_yields_a_foreign_address(seed: int):
    chance = random.Random(seed)
    for _ in range(500):
        field = "".join(chance.choices(PIECES, k=chance.randint(1, 8)))
        try:
            found = named_address(field)
        except MalformedEvent:
            continue
        assert found == address_key(found), field
        assert not (ADA in field and "bob@example.com" in field and found in {ADA, "bob@example.com"}), field


@pytest.mark.parametrize(
    "unit", ['"', "(", "<", "\\", "a@", "@a", '"\\', "(\\", "a.", "x-", ";", "=?", "<>", '""', "()"]
)
def test_a_hostile_field_takes_no_time(unit: str):
    for length in (999, 100_000):
        with pytest.raises(MalformedEvent):
            named_address(unit * (length // len(unit)))


@pytest.mark.parametrize("destination", [["Ada <Ada@example.org>"], [ADA, "ada@EXAMPLE.org"], ['"ada"@example.org']])
def test_a_report_of_another_address_is_about_the_only_recipient(destination: list[str]):
    assert Destination(destination).attribute("bob@example.com") == (ADA, "forwarded")
    assert Destination(destination).attribute(ADA) == (ADA, "named")


@pytest.mark.parametrize("destination", [[ADA, "grace@example.org"], ["ada@example.org, grace@example.org"]])
def test_report_of_a_foreign_address_has_no_match(destination: list[str]):
    assert Destination(destination).attribute("bob@example.com") == ("bob@example.com", "stranger")
    assert Destination(destination).attribute("grace@example.org") == ("grace@example.org", "named")


def test_without_a_destination_the_report_is_believed():
    assert Destination([]).attribute("bob@example.com") == ("bob@example.com", "named")


def test_a_destination_that_cannot_be_read_shields_strangers():
    assert Destination(["undisclosed"]).attribute("bob@example.com") == ("bob@example.com", "stranger")
