"""Brands: from code, a file or a stack; colours that can be read whatever they are; the command that shows them."""

import json
from pathlib import Path
from typing import Any

import pytest

from mailer.cli import main
from mailer.errors import TemplateError, TemplateFieldsInvalid
from mailer.mailer import Mailer
from mailer.templates.brand import Brand, BrandLink, DarkColours
from mailer.templates.colour import contrast, readable
from mailer.templates.palette import dark, light, pairings
from tests.unit.mailer.stack_outputs import outputs

AWKWARD = ("#ffd400", "#000000", "#ffffff", "#808080", "#757575", "#ff0000", "#00ff00", "#1d4ed8", "#f3f4f6", "#1c1f26")
TOML = """\
name = "Example"
accent = "#ffd400"
postal_address = "1 Example Street"

[[links]]
label = "Terms"
url = "https://example.com/terms"

[dark]
card = "#000000"
"""


@pytest.mark.parametrize("card", ["#ffffff", "#000000", "#ffd400", "#808080"])
@pytest.mark.parametrize("accent", AWKWARD)
def test_every_pair_of_colours_contrasts_enough(accent: str, card: str):
    brand = Brand(accent=accent, card=card, background=card, dark=DarkColours(card=card))
    assert [(one.mode, one.use, one.ratio) for one in pairings(brand) if one.ratio < one.needed] == []


def test_colours_that_can_be_read_are_left_alone():
    brand = Brand(name="Example")
    shown = light(brand)
    assert (shown.text, shown.muted, shown.link, shown.accent) == (brand.text, brand.muted, brand.accent, brand.accent)
    assert contrast(dark(brand).link, brand.dark.card) >= 4.5 > contrast(brand.accent, brand.dark.card)


def test_corrected_colour_keeps_its_hue():
    yellow = readable("#ffd400", ["#ffffff"])
    red, green, blue = (int(yellow[i : i + 2], 16) for i in (1, 3, 5))
    assert (red > green, blue) == (True, 0)
    assert abs(green / red - 0xD4 / 0xFF) < 0.01


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("brand.toml", TOML),
        ("brand.toml", f"[brand]\n{TOML.replace('[[links', '[[brand.links').replace('[dark', '[brand.dark')}"),
        ("pyproject.toml", '[tool.mailstack.brand]\nname = "Example"\naccent = "#ffd400"\n'),
        ("brand.json", '{"name": "Example", "accent": "#ffd400"}'),
    ],
)
def test_brand_is_read_from_a_file(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text)
    brand = Brand.from_file(tmp_path / name)
    assert (brand.name, brand.accent) == ("Example", "#ffd400")
    if text.startswith("name"):
        assert brand.links == (BrandLink(label="Terms", url="https://example.com/terms"),)
        assert brand.dark.card == "#000000"


@pytest.mark.parametrize(
    ("name", "text", "kind", "said"),
    [
        ("brand.toml", "name = ", TemplateError, "brand.toml is not TOML"),
        ("brand.json", "{", TemplateError, "brand.json is not JSON"),
        ("brand.json", "[]", TemplateError, "not an object"),
        ("pyproject.toml", "[project]\nname = 'x'", TemplateError, r"no table \[tool.mailstack.brand\]"),
        ("brand.toml", 'nmae = "x"', TemplateFieldsInvalid, "nmae: Extra"),
        ("brand.toml", 'accent = "yellow"', TemplateFieldsInvalid, "accent: String should match"),
        ("brand.toml", '[[links]]\nlabel="x"\nurl="javascript:alert(1)"', TemplateFieldsInvalid, r"links\.0\.url"),
        ("absent.toml", None, TemplateError, "absent.toml cannot be read: No such file"),
    ],
)
def test_brand_file_error_names_file_and_field(
    tmp_path: Path, name: str, text: str | None, kind: type[Exception], said: str
):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(kind, match=said):
        Brand.from_file(tmp_path / name)


def test_brand_of_the_stack_is_the_default():
    stack = outputs().model_copy(update={"brand": {"accent": "#ffd400", "support": "help@example.com"}})
    again = type(stack).from_json(stack.to_json(), source="test")
    assert Mailer(again).brand == Brand(name=stack.domain, accent="#ffd400", support="help@example.com")
    own = Brand(name="Own")
    assert Mailer(again, brand=own).brand == own


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["brand", "check", *arguments]) == 0
    return capsys.readouterr().out


def test_brand_check_shows_what_was_corrected(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MAILSTACK_OUTPUTS", raising=False)
    monkeypatch.delenv("MAILSTACK_STACK", raising=False)
    (tmp_path / "brand.toml").write_text(TOML)
    shown = run(capsys, str(tmp_path / "brand.toml"), "--html", str(tmp_path / "brand.html"))
    (links,) = [line for line in shown.splitlines() if line.startswith("light  links")]
    assert "#ffd400" in links
    assert links.endswith("corrected")
    assert "note: support is empty" in shown
    page = (tmp_path / "brand.html").read_text()
    assert "<h1>Example</h1>" in page
    assert "http" not in page
    data: Any = json.loads(run(capsys, str(tmp_path / "brand.toml"), "--json"))
    assert {one["use"] for one in data["colours"] if one["corrected"]} == {"links", "button's edge"}
    assert all(one["contrast"] >= one["needed"] for one in data["colours"])


def test_brand_check_shows_the_brand_of_the_stack(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    stack = outputs().model_copy(update={"brand": {"name": "Of The Stack"}})
    monkeypatch.setenv("MAILSTACK_OUTPUTS", stack.to_json())
    assert "Of The Stack" in run(capsys)
