"""Names and addresses as the inbox shows and finds them."""

from datetime import UTC, datetime

import pytest

from mailstack_localcloud.inbox.people import person
from mailstack_localcloud.inbox.search import matching
from mailstack_localcloud.ses.state import StoredMessage


def mail(source: str = "shop@example.test", to: str = "ada@example.com", subject: str = "Hello", **tags: str):
    return StoredMessage(
        message_id="0100-id",
        accepted_at=datetime.now(UTC),
        source=source,
        identity="example.test",
        to=[to],
        cc=[],
        bcc=[],
        reply_to=[],
        subject=subject,
        content={"Simple": {}},
        configuration_set="transactional",
        tags={name.replace("__", ":"): [value] for name, value in tags.items()},
        size=1,
    )


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada <ada@example.com>", "Ada <ada@example.com>"),
        ('"Lovelace, Ada" <ada@example.com>', "Lovelace, Ada <ada@example.com>"),
        ("Jürgen <j@example.com>", "Jürgen <j@example.com>"),
        ("=?utf-8?q?J=C3=BCrgen?= <j@example.com>", "Jürgen <j@example.com>"),
        ("=?UTF-8?B?SsO8cmdlbg==?= <j@example.com>", "Jürgen <j@example.com>"),
        ("=?iso-8859-1?q?J=FCrgen?= <j@example.com>", "Jürgen <j@example.com>"),
        ("=?utf-8?q?M=C3=BCller=2C_J=2E_=3Cx=40example=2Eorg=3E?= <j@example.com>", "Müller, J. <x@example.org> <j@ex"),
        ("=?utf-8?b?5bGx55Sw?= =?utf-8?b?5aSq6YOO?= <y@example.jp>", "山田太郎 <y@example.jp>"),
        ("y@xn--bcher-kva.example", "y@bücher.example"),
        ("y@XN--BCHER-KVA.example", "y@bücher.example"),
        ("y@mail.xn--strae-oqa.example", "y@mail.straße.example"),
    ],
)
def test_names_and_domains_are_decoded(written: str, shown: str):
    assert str(person(written)).startswith(shown)


@pytest.mark.parametrize(
    "written",
    [
        "=?nonsense?q?a?= <a@example.com>",
        "=?utf-8?b?w?= <a@example.com>",
        "=?utf-8?q?=FF?= <a@example.com>",
        "=?hex?q?61?= <a@example.com>",
        "=?\0?q?a?= <a@example.com>",
        "a@xn--.example",
        "a@xn--a.example",
        "a@xn--\N{SNOWMAN}.example",
        f"a@xn--{'z' * 200}.example",
        "a@xn--mgba0b7bxd.xn--" + "-" * 60,
        "",
        "@",
        "<>",
    ],
)
def test_undecodable_text_is_kept(written: str):
    assert person(written).address in written or not written


def test_a_domain_is_not_decoded_into_direction_marks():
    turned = "a\N{RIGHT-TO-LEFT OVERRIDE}b".encode("punycode").decode()
    assert person(f"x@xn--{turned}.example").shown == f"x@xn--{turned}.example"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("jürgen", True),
        ("JÜRGEN", True),
        ("ju\N{COMBINING DIAERESIS}rgen", True),
        ("bücher.example", True),
        ("xn--bcher-kva", True),
        ("grüße", True),
        ("GRÜSSE", True),
        ("=?utf-8", False),
        ("transactional", True),
        ("kind:welcome", True),
        ("welcome jürgen", True),
        ("welcome ada", False),
        ("0100-", True),
        ("acme", True),
        ("127.0.0.1", False),
    ],
)
def test_mails_are_found_by_what_is_shown(words: str, found: bool):
    known = mail(
        "=?utf-8?q?B=C3=BCcher?= <shop@example.test>",
        "=?utf-8?q?J=C3=BCrgen?= <j@xn--bcher-kva.example>",
        "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        kind="welcome",
        ses__tenant_name="x",
        **{"ses:tenant-name": "acme", "ses:source-ip": "127.0.0.1"},
    )
    assert [*matching([known], words)] == [known] * found
