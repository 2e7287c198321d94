"""Redaction and masking: however an address is written, its local part is not shown."""

import copy
import pickle
import traceback

import pytest

from mailer.errors import MailerError
from mailer.redaction import MAX_REDACTED, Secret, cause_of, mask, raise_masked, redact

# RFC 5322 §3.4.1, RFC 2047, RFC 3986 §2.1, RFC 2045 §6.7, HTML and JSON: ways in which servers write an address.
WRITTEN = [
    "<lovelace@example.com>",
    "rfc822;lovelace@example.com",
    "rfc822; lovelace @ example.com",
    '"ada lovelace"@example.com',
    '"ada \\"x\\" lovelace"@example.com',
    '"ada"."lovelace"@example.com',
    'lovelace"@example.com',
    "lovelace(the first)@example.com",
    "lovelace@(the first)example.com",
    "(the first)lovelace@example.com",
    "lovelace@[192.0.2.1]",
    "lovelace@localhost",
    "o'lovelace+tag@example.com",
    "lövelace@exämple.com",
    "lovelace\uff20example.com",
    "https://example.com/?user=lovelace%40example.com&x=1",
    "https://example.com/?user=lovelace%2540example.com",
    "lovelace=40example.com",
    "lovelace&#64;example.com",
    "lovelace&#x40;example.com",
    "lovelace&commat;example.com",
    "lovelace\\u0040example.com",
    "lovelace(at)example.com",
    "lovelace[at]example.com",
    "=?utf-8?q?lovelace=40example.com?=",
    "=?utf-8?q?ada lovelace=40example.com?=",
    "=?utf-8?b?bG92ZWxhY2VAZXhhbXBsZS5jb20=?=",
    "SRS0=HHH=TT=example.org=lovelace@example.com",
    "bounce+lovelace=example.com@example.org",
    "<lovelace@\r\n example.com>",
    "eve@example.org, lovelace@example.com",
]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("around", ["{}", "550 5.1.1 {}: no such user", "smtp; 550 <x> {} (in reply to RCPT)"])
def test_no_spelling_of_an_address_is_left(written: str, around: str):
    shown = redact(around.format(written))
    assert "lovelace" not in shown
    assert "lövelace" not in shown
    assert "bG92" not in shown
    assert "***" in shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "smtp; 550 5.7.1 SIZE=40960 exceeds 40.5 MB (rule 7)",
        "421 4.7.0 [192.0.2.1] try again later: https://example.com/help?id=7",
        "Email address is not verified. In region EU-WEST-1: example.test",
        "",
    ],
)
def test_text_without_an_address_is_unchanged(text: str):
    assert redact(text) == text


def test_a_long_text_is_cut_between_words():
    shown = redact("word " * MAX_REDACTED + "ada@example.com")
    assert len(shown) <= MAX_REDACTED + 1
    assert shown.endswith("word…")
    assert "lovelace" not in redact("x" * (MAX_REDACTED - 4) + " lovelace@example.com")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ada@example.com", "a***@example.com"),
        ("Ada <ada@example.com>", "a***@example.com"),
        ('"ada lovelace"@example.com', "a***@example.com"),
        ("lovelace", "l***"),
        ("", "***"),
        ("@", "***@"),
        ("ada@example.com> lovelace", "a***@example.com"),
    ],
)
def test_a_mask_keeps_the_domain_and_one_letter(text: str, masked: str):
    assert mask(text) == masked


def test_a_secret_is_text_that_prints_as_stars():
    code = Secret("424242")
    assert [str(code), repr(code), f"{code}", f"{code:>5}", "%s" % code, repr([code])] == [  # noqa: UP031
        *("***", "***", "***", "  ***", "***", "[***]")
    ]
    assert (code, len(code), hash(code), code.reveal()) == ("424242", 6, hash("424242"), "424242")
    assert type(code.reveal()) is str
    for again in (copy.copy(code), copy.deepcopy(code), pickle.loads(pickle.dumps(code))):  # noqa: S301
        assert (type(again), again.reveal()) == (Secret, "424242")


def test_a_masked_cause_says_what_happened_and_leads_nowhere():
    def fail() -> None:
        body = "the body says 424242 to lovelace@example.com"
        try:
            raise OSError(body)  # noqa: TRY301
        except OSError as error:
            raise_masked(MailerError("It failed."), error)

    with pytest.raises(MailerError, match="It failed") as caught:
        fail()
    assert str(caught.value.__cause__) == "OSError: the body says 424242 to ***"
    assert caught.value.__context__ is None
    shown = "".join(traceback.format_exception(caught.value))
    assert "lovelace@" not in shown


def test_a_cause_keeps_no_traceback():
    try:
        raise OSError("lovelace@example.com")  # noqa: TRY301
    except OSError as error:
        cause = cause_of(error)
    assert (str(cause), cause.__traceback__, cause.__context__) == ("OSError: ***", None, None)
