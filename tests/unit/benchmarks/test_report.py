"""What `make bench` writes: tables that align, a picture with a text alternative, a page whose other text is kept."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.sending.measures import Row, ratio
from benchmarks.sending.picture import alternative, bars
from benchmarks.sending.report import BEGIN, END, Section, write_between_markers

SVG = "{http://www.w3.org/2000/svg}"
VALUES = {"raw <socket>": 0.05, "mailer": 0.5, "boto3, bare": 1.0, "anymail": 81.3}


def drawn(**options: float) -> ET.Element:
    svg = bars("CPU & more", VALUES, ours="mailer", cut=options.get("cut", 3.5))
    return ET.fromstring(svg)  # noqa: S314 - written a line above


def test_table_is_markdown_with_aligned_columns():
    rows: dict[str, Row] = {
        "mailer": {"CPU µs": 1234.4, "CPU / boto3": 0.5},
        "a": {"CPU µs": None, "CPU / boto3": 12.345},
    }
    assert Section("A mail", "", rows).table().splitlines() == [
        "|        | CPU µs | CPU / boto3 |",
        "| ------ | -----: | ----------: |",
        "| mailer |  1,234 |        0.50 |",
        "| a      |      - |       12.35 |",
    ]


@pytest.mark.parametrize("value", [-0.01, 0.0, 0.01])
def test_growth_of_nothing_is_shown_without_a_sign(value: float):
    assert "-0" not in Section("Memory", "", {"mailer": {"growth": value}}).table()


def test_ratio_compares_within_a_round():
    assert ratio([1.0, 10.0, 3.0], [2.0, 20.0, 1.0]) == 0.5


def test_run_replaces_only_what_a_run_wrote(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(f"Before\n{BEGIN}\n\nold\n\n{END}\nAfter\n")
    for _ in range(2):
        write_between_markers(page, "new")
    assert page.read_text() == f"Before\n{BEGIN}\n\nnew\n\n{END}\nAfter\n"


@pytest.mark.parametrize("text", ["no markers", BEGIN, END, f"{END}\n{BEGIN}"])
def test_page_without_markers_is_left_alone(tmp_path: Path, text: str):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(SystemExit, match="lacks the line"):
        write_between_markers(page, "new")
    assert page.read_text() == text


def test_picture_has_a_bar_and_a_number_for_each_value():
    svg = drawn()
    widths = [float(bar.attrib["width"]) for bar in svg.iter(f"{SVG}rect")][1:]
    shown = [text.text for text in svg.iter(f"{SVG}text")][1:]
    assert shown == ["raw <socket>", "0.05", "mailer", "0.50", "boto3, bare", "1.00", "anymail", "81"]
    assert widths[1] / widths[2] == pytest.approx(0.5, abs=0.01)


def test_bar_that_is_cut_short_has_a_gap():
    assert len(list(drawn().iter(f"{SVG}path"))) == 1
    assert not list(drawn(cut=100.0).iter(f"{SVG}path"))


def test_picture_says_its_values_in_words():
    assert drawn().findtext(f"{SVG}desc") == alternative("CPU & more", VALUES)
    assert alternative("CPU", {"mailer": 0.5, "anymail": 81.3}) == "CPU: mailer 0.50; anymail 81."
