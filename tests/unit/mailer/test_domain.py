"""One reading of domain names for all: IDNA 2008 with UTS 46, and what DNS cannot hold is refused."""

import pytest
from pydantic import TypeAdapter

from mailer.address import Address, address_key
from mailer.domain import ascii_domain
from mailer.templates.url import Url
from mailstack_infra.settings import validators

# UTS 46 §7 and table 1: the four "deviation" characters, which IDNA 2003 turned into other names, and its mapping.
NAMES = [
    ("faß.example", "xn--fa-hia.example"),
    ("βόλος.example", "xn--nxasmm1c.example"),
    ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example", "xn--mgba3gch31f060k.example"),
    ("ශ්\u200dරී.example", "xn--10cl1a0b660p.example"),
    ("GROẞ.example", "xn--gro-7ka.example"),
    ("Bücher.example", "xn--bcher-kva.example"),
    ("bu\u0308cher.example", "xn--bcher-kva.example"),
    ("例え。example", "xn--r8jz45g.example"),
    ("\uff4d\uff41il\uff0eexample", "mail.example"),
    ("EXAMPLE.com", "example.com"),
    ("xn--ls8h.example", "xn--ls8h.example"),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_every_reader_finds_the_same_domain(text: str, name: str):
    assert ascii_domain(text) == name
    assert Address.parse(f"ada@{text}").domain == name
    assert address_key(f"Ada <Ada@{text}>") == f"ada@{name}"
    assert validators.domain(text) == name
    assert validators.address(f"ada@{text}") == f"ada@{name}"
    assert validators.mailbox(f"Ada <ada@{text}>") == f"Ada <ada@{name}>"
    assert validators.address_pattern(f"*@{text}") == f"*@{name}"
    assert validators.https_or_nothing(f"https://{text}/logo.svg") == f"https://{name}/logo.svg"
    assert validators.page(f"https://{text}/hook") == f"https://{name}/hook"
    assert TypeAdapter(Url).validate_python(f"https://{text}/reset?a=1") == f"https://{name}/reset?a=1"


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "a..example", "example.com.", "-a.example", "a-.example", "a_b.example", "a b.example"),
        *("a/b.example", "a\x00.example", "\ud800.example", "a\u202eb.example", "💩.example", "a\uff0fb.example"),
        *("127.0.0.1", "example.123", "example.0x7f", "example.c0m", "[127.0.0.1]", "*.example.com"),
        *("a" * 64 + ".example", "ü" * 64 + ".example", ".".join(["a" * 49] * 6), "ü." * 200 + "example"),
        "\u00ad" * 2_000_000 + "example.com",
    ],
)
def test_invalid_dns_name_is_refused(text: str):
    with pytest.raises(ValueError, match=r"DNS cannot hold|too long|top-level"):
        ascii_domain(text)


def test_a_translated_name_stays_as_it_is():
    for _, name in NAMES:
        assert ascii_domain(name) == name
