"""What users write can add neither HTML, headers nor template code to a mail, in whatever field it is given."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pytest

from mailer.catalog import TEMPLATES
from mailer.errors import TemplateFieldsInvalid
from mailer.message import Message
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand, BrandLink
from mailer.templates.engine import REPEATED, Rendered, render

HOSTILE = "<script>alert(1)</script>zq{{ 7*7 }}qz\"' onload=x\r\nBcc: eve@example.org"
ENCODED = "=?utf-8?q?Your_account?="
REORDERED = "\u202eadA\u202c \u2066Lovelace\u2069\u200f"
SHORT = '<script>zq{{ 7*7 }}qz" onload=x'
BRAND = Brand(name="Example")


def variants(value: object) -> Iterator[object]:
    """The value with each of its texts replaced, one at a time."""
    if isinstance(value, str):
        yield from (HOSTILE, SHORT, ENCODED, REORDERED)
    elif isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
        yield from ({**given, key: changed} for key in given for changed in variants(given[key]))
    elif isinstance(value, Sequence):
        items = cast("Sequence[object]", value)
        for number, item in enumerate(items):
            yield from ([*items[:number], changed, *items[number + 1 :]] for changed in variants(item))


def assert_harmless(made: Rendered) -> None:
    for part in (made.subject, made.text, made.html):
        assert "zq49qz" not in part
    assert "<script" not in made.html
    assert '" onload' not in made.html
    assert not {"\r", "\n"} & set(made.subject)
    Message(subject=made.subject, text=made.text)  # which refuses what a header must not have


# Their fields are links, codes and numbers, which no such value is.
WITHOUT_TEXT = {"VerificationCode", "VerifyEmail", "MagicLink", "AccountExists", "NoAccount"}


@pytest.mark.parametrize("kind", TEMPLATES, ids=lambda kind: kind.__name__)
def test_no_field_adds_markup_headers_or_code(kind: type[EmailTemplate]):
    accepted = 0
    for values in variants(dict(kind.sample)):
        try:
            mail = kind.model_validate(values)
        except TemplateFieldsInvalid:  # it is no URL, code or date
            continue
        accepted += 1
        assert_harmless(render(mail, BRAND))
    assert accepted or kind.__name__ in WITHOUT_TEXT


def test_no_field_of_a_brand_adds_markup_or_code():
    link = BrandLink(label=SHORT[:40], url='https://example.com/?"onload="x')
    fields: dict[str, Any] = {"postal_address": HOSTILE, "footer": HOSTILE, "links": (link,), "social": (link,)}
    brand = Brand(name=SHORT, logo_text=SHORT, logo="https://example.com/a.png", **fields)
    mail = TEMPLATES[0].model_validate(TEMPLATES[0].sample)
    for _ in range(REPEATED + 1):
        assert_harmless(render(mail, brand))
