"""Languages of mails: which one a recipient gets, its words, and how dates, numbers and money are written in it."""

import builtins
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mailer.catalog import PasswordChanged, PasswordReset, VerificationCode, Welcome
from mailer.cli import main
from mailer.errors import TemplateError, TemplateFieldsInvalid
from mailer.locales import catalogues, formats
from mailer.locales.language import Language, normal_tag
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import Brand
from mailer.templates.compose import compose
from mailer.templates.engine import render
from mailer.templates.money import Money

BRAND = Brand(name="Example")
URL: Any = "https://example.com/x"
WELCOME = Welcome(name="Ada", dashboard_url=URL)
WHEN = datetime(2026, 3, 9, 23, 5, tzinfo=UTC)
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
PAGE = '<html lang="{{ lang }}" dir="{{ locale.dir }}"><body><p align="{{ locale.start }}">'


def language(tag: str, timezone: str = "UTC") -> Language:
    return Language(tag, "", timezone)


@pytest.mark.parametrize(
    ("preferred", "subject"),
    [
        (("es",), "Te damos la bienvenida a Example"),
        (("es-MX",), "Te damos la bienvenida a Example"),
        (("ES_mx.UTF-8",), "Te damos la bienvenida a Example"),
        (("fr", "ne"), "Example मा तपाईंलाई स्वागत छ"),
        (("en-GB", "es"), "Welcome to Example"),
        (("fr",), "Welcome to Example"),
        ((), "Welcome to Example"),
        ((None, "", "../../etc/passwd", "x" * 10_000), "Welcome to Example"),
    ],
)
def test_first_preferred_language_that_exists_is_used(preferred: tuple[Any, ...], subject: str):
    assert render(WELCOME.localized(*preferred), BRAND).subject == subject


def test_brand_names_the_language_of_other_mails():
    spanish = Brand(name="Example", locale="es")
    assert "Hola, Ada:" in render(WELCOME, spanish).text
    assert "Hola, Ada:" in render(WELCOME.localized("fr"), spanish).text
    assert "Hello Ada," in render(WELCOME.localized("en"), spanish).text


def test_html_names_the_language_with_its_region():
    html = render(WELCOME.localized("es-MX"), BRAND).html
    assert '<html lang="es-MX" dir="ltr"' in html


def test_localized_mail_is_a_copy():
    spanish = WELCOME.localized("es")
    assert spanish != WELCOME
    assert "Hello" in render(WELCOME, BRAND).text
    assert spanish.localized("en", second="es").localization.second == "es"


def test_same_second_language_is_not_repeated():
    assert render(WELCOME.localized("es", second="es-MX"), BRAND).text == render(WELCOME.localized("es"), BRAND).text


def test_second_language_has_subject_and_content_but_one_footer():
    made = render(VerificationCode(code="424242").localized("ne", second="en"), BRAND)
    assert made.subject == "424242 तपाईंको Example कोड हो / 424242 is your Example code"
    assert made.text.count("424242") == 2
    assert made.html.count("</body>") == 1


def test_long_subject_is_in_the_first_language_alone():
    brand = Brand(name="Example of a name that is rather long")
    mail = PasswordReset(reset_url=URL).localized("es", second="en")
    assert render(mail, brand).subject == "Elige una nueva contraseña de Example of a name that is rather long"


def test_template_without_content_block_has_one_language(tmp_path: Path):
    kind = note(tmp_path, txt="{% trans %}Hello{% endtrans %}", po='msgid "Hello"\nmsgstr "Bonjour"\n')
    with pytest.raises(TemplateError, match=r"two languages.*\{% block content %\}"):
        render(kind().localized("fr", second="en"), BRAND)


def note(folder: Path, po: str = "", tag: str = "fr", **files: str) -> type[EmailTemplate]:
    """A template of these files, with a catalogue of its own."""
    for suffix, text in files.items():
        (folder / f"note.{suffix}").write_text(text, encoding="utf-8")
    (folder / "locales").mkdir(exist_ok=True)
    if po:
        (folder / "locales" / f"{tag}.po").write_text(HEADER + po, encoding="utf-8")
    members: dict[str, Any] = {"__module__": __name__, "subject": "{% trans %}Hello{% endtrans %}", "folder": folder}
    return type("Note", (EmailTemplate,), members)


def test_own_template_has_its_own_catalogue(tmp_path: Path):
    words = 'msgid "Hello"\nmsgstr "Bonjour"\n\nmsgid "From %(brand)s & <co>"\nmsgstr "De <b>%(brand)s</b>, 100%%"\n'
    text = "{% trans %}From {{ brand }} & <co>{% endtrans %}"
    kind = note(tmp_path, words, txt=text, html=text)
    made = render(kind().localized("fr-CA"), Brand(name="A & B"))
    assert (made.subject, made.text) == ("Bonjour", "De <b>A & B</b>, 100%\n")
    assert made.html == "De <b>A &amp; B</b>, 100%"


def test_catalogue_compiled_ahead_needs_no_babel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kind = note(tmp_path, 'msgid "Hello"\nmsgstr "Bonjour"\n', txt="x")
    monkeypatch.setitem(sys.modules, "babel.messages.pofile", None)
    with pytest.raises(TemplateError, match="Babel is not installed"):
        render(kind().localized("fr"), BRAND)
    monkeypatch.undo()
    assert main(["templates", "compile", str(tmp_path)]) == 0
    monkeypatch.setitem(sys.modules, "babel.messages.pofile", None)
    assert render(kind().localized("fr"), BRAND).subject == "Bonjour"


@pytest.mark.parametrize(("suffix", "content"), [("mo", b"no catalogue"), ("po", b'msgid "a"\nnot a line')])
def test_broken_catalogue_is_an_error_with_its_name(tmp_path: Path, suffix: str, content: bytes):
    kind = note(tmp_path, txt="x")
    (tmp_path / "locales" / f"fr.{suffix}").write_bytes(content)
    with pytest.raises(TemplateError, match=rf"fr\.{suffix} is not a gettext catalogue"):
        render(kind().localized("fr"), BRAND)


def test_brand_folder_completes_and_replaces_words(tmp_path: Path):
    words = 'msgid "Welcome to %(brand)s"\nmsgstr "Bienvenue chez %(brand)s"\n'
    (tmp_path / "locales").mkdir()
    (tmp_path / "locales" / "fr.po").write_text(HEADER + words, encoding="utf-8")
    made = render(WELCOME.localized("fr"), Brand(name="Example", templates=(tmp_path,)))
    assert made.subject == "Bienvenue chez Example"
    assert "Hello Ada," in made.text


def test_right_to_left_language_turns_the_page(tmp_path: Path):
    kind = note(tmp_path, 'msgid "Hello"\nmsgstr "שלום"\n', tag="he", txt="x", html=PAGE)
    assert render(kind().localized("he"), BRAND).html == '<html lang="he" dir="rtl"><body><p align="right">'
    assert render(kind(), BRAND).html == '<html lang="en" dir="ltr"><body><p align="left">'


def test_amount_of_a_right_to_left_locale_fits_into_a_subject(tmp_path: Path):
    class Paid(EmailTemplate):
        subject: ClassVar[str] = "{{ amount|money }}"
        folder: ClassVar[Path | None] = tmp_path
        lang: ClassVar[str] = "he"
        amount: Money

    (tmp_path / "paid.txt").write_text("{{ amount|money }}")
    mail = Paid(amount=Money(amount=Decimal("12.50"), currency="EUR"))
    message = compose(mail, BRAND, to="ada@example.com")
    assert message.subject == "12.50\xa0€".replace("\xa0", " ")
    assert "\u200f" in message.text


@pytest.mark.parametrize(
    ("tag", "direction"),
    [
        ("ar", "rtl"),
        ("fa-IR", "rtl"),
        ("ur", "rtl"),
        ("az-Arab", "rtl"),
        ("ur-Latn", "ltr"),
        ("ne", "ltr"),
        ("en", "ltr"),
    ],
)
def test_direction_follows_script_then_language(tag: str, direction: str):
    assert Language(tag).dir == direction


@pytest.mark.parametrize("text", ["", " ", None, 7, "e", "en_US_POSIX_EXTRA_PARTS", "en/../..", "\n", "日本"])
def test_invalid_language_tag_is_ignored(text: Any):
    assert normal_tag(text) == ""


FORMATTED: list[tuple[Callable[..., str], Any, str, str]] = [
    (formats.format_date, date(2026, 3, 9), "en", "March 9, 2026"),
    (formats.format_date, date(2026, 3, 9), "en-GB", "9 March 2026"),
    (formats.format_date, date(2026, 3, 9), "es", "9 de marzo de 2026"),
    (formats.format_date, date(2026, 3, 9), "xx-unknown", "March 9, 2026"),
    (formats.format_datetime, WHEN, "en", "March 9, 2026, 11:05\u202fPM UTC"),
    (formats.format_datetime, WHEN, "es", "9 de marzo de 2026, 23:05 UTC"),
    (formats.format_datetime, WHEN.replace(tzinfo=None), "es", "9 de marzo de 2026, 23:05 UTC"),
    (formats.format_time, WHEN, "es", "23:05"),
    (formats.format_number, 1234567.5, "en", "1,234,567.5"),
    (formats.format_number, 1234567.5, "es", "1.234.567,5"),
    (formats.format_percent, 0.0512, "en", "5.1%"),
    (formats.format_percent, Decimal("0.05"), "es", "5\xa0%"),
    (formats.format_money, Money(amount=Decimal("1234.5"), currency="EUR"), "en", "€1,234.50"),
    (formats.format_money, Money(amount=Decimal("1234.5"), currency="EUR"), "es", "1.234,50\xa0€"),
    (formats.format_money, Money(amount=Decimal(5000), currency="JPY"), "en", "¥5,000"),
]


@pytest.mark.parametrize(("write", "value", "tag", "written"), FORMATTED)
def test_values_are_written_for_the_locale(write: Callable[..., str], value: Any, tag: str, written: str):
    assert write(value, language(tag)) == written


def test_times_are_shown_in_the_recipients_zone():
    mail = PasswordChanged(name="Ada", changed_at=WHEN, security_url=URL)
    assert "March 10, 2026, 4:50" in render(mail.localized(timezone="Asia/Kathmandu"), BRAND).text
    assert "March 10, 2026, 12:05" in render(mail, Brand(name="Example", timezone="Europe/Madrid")).text
    with pytest.raises(TemplateError, match=r"'Nepal/Everest' is not a time zone.*IANA"):
        mail.localized(timezone="Nepal/Everest")
    with pytest.raises(TemplateFieldsInvalid, match="not a time zone"):
        Brand(name="Example", timezone="../etc")


def test_without_babel_values_are_written_in_iso_forms(monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def without_babel(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "babel":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_babel)
    formats._babel.cache_clear()
    try:
        tag = language("es", "Asia/Kathmandu")
        assert formats.format_date(WHEN, tag) == "2026-03-10"
        assert formats.format_datetime(WHEN, tag) == "2026-03-10 04:50 +0545"
        assert formats.format_time(WHEN, tag) == "04:50"
        assert formats.format_number(1234.5, tag) == "1,234.5"
        assert formats.format_percent(0.0512, tag) == "5.1%"
        assert formats.format_money(Money(amount=Decimal("12.50"), currency="EUR"), tag) == "EUR 12.50"
        assert "durante 1 día" in render(PasswordReset(reset_url=URL).localized("es"), BRAND).text
    finally:
        formats._babel.cache_clear()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1, "1 minuto"),
        (90, "90 minutos"),
        (120, "2 horas"),
        (4320, "3 días"),
        (timedelta(days=1), "1 día"),
        (0, "1 minuto"),
    ],
)
def test_durations_are_in_the_largest_unit_with_plurals(value: Any, written: str):
    words = catalogues.translations("es", (catalogues.OWN,))
    assert formats.format_duration(value, words) == written


class Order(EmailTemplate):
    subject: ClassVar[str] = "{% trans %}Your order{% endtrans %}"
    count: int


SHOP = """from mailer import EmailTemplate
class Order(EmailTemplate):
    subject = "{% trans %}Your order{% endtrans %}"
    other = "{% trans %}not a message{% endtrans %}"
"""


def shop(folder: Path) -> Path:
    (folder / "mails.py").write_text(SHOP)
    (folder / "order.txt").write_text("{% trans count %}One thing{% pluralize %}{{ count }} things{% endtrans %}")
    (folder / "order.html").write_text("<p>{% trans %}Thank you{% endtrans %} {{ _('Bye') }}</p>")
    return folder


def test_locale_add_collects_messages_and_keeps_translations(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = shop(tmp_path) / "locales" / "es.po"
    assert main(["templates", "locale", "add", "es", str(tmp_path)]) == 0
    assert "4 messages, 0 translated" in capsys.readouterr().out
    text = path.read_text()
    assert 'msgid "Your order"' in text
    assert "not a message" not in text
    path.write_text(text.replace('msgid "Thank you"\nmsgstr ""', 'msgid "Thank you"\nmsgstr "Gracias"'))
    (tmp_path / "order.txt").write_text("{% trans %}Something new{% endtrans %}")
    assert main(["templates", "locale", "add", "es", str(tmp_path)]) == 0
    assert 'msgstr "Gracias"' in path.read_text()
    assert 'msgid "Something new"' in path.read_text()


def test_language_that_we_lack_gets_the_words_of_the_catalog(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["templates", "locale", "add", "pt_br", str(shop(tmp_path)), "--json"]) == 0
    assert '"translated": 0' in capsys.readouterr().out
    text = (tmp_path / "locales" / "pt-BR.po").read_text()
    assert 'msgid "Your order"' in text
    assert 'msgid "Welcome to %(brand)s"' in text
    assert 'msgid "%(num)s day"' in text


def test_locale_check_names_what_is_to_be_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = shop(tmp_path) / "locales" / "fr.po"
    with pytest.raises(SystemExit):
        main(["templates", "locale"])
    assert main(["templates", "locale", "check", str(tmp_path)]) == 2
    path.parent.mkdir()
    path.write_text(
        f'{HEADER}msgid "Thank you"\nmsgstr "Merci %(name)s"\n\n#, fuzzy\nmsgid "Bye"\nmsgstr "Salut"\n',
        encoding="utf-8",
    )
    capsys.readouterr()
    assert main(["templates", "locale", "check", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "fr: 4 of 4 messages to do" in said
    assert "other placeholders than the message: Thank you" in said
    assert "fuzzy: Bye" in said
    assert "not translated: Your order" in said


@pytest.mark.parametrize("tag", ["klingon", "xx", ""])
def test_unknown_language_cannot_be_added(tmp_path: Path, tag: str, capsys: pytest.CaptureFixture[str]):
    assert main(["templates", "locale", "add", tag, str(tmp_path)]) == 2
    assert "is not a language" in capsys.readouterr().err
