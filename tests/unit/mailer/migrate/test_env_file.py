"""`.env` files in the dialects of python-dotenv, django-environ, decouple and Docker Compose."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.migrate.env_file import read_env


def read(text: str) -> dict[str, object]:
    return {one.name: one.value for one in read_env(text, ".env")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=b", {"A": "b"}),
        ("A = b ", {"A": "b"}),
        ("export A=b", {"A": "b"}),
        ("A: b", {"A": "b"}),
        ("A=", {"A": ""}),
        ("A", {}),
        ("# A=b", {}),
        ("A=b # c", {"A": "b"}),
        ("A=b#c", {"A": "b#c"}),
        ("A=#c", {"A": ""}),
        ('A="b # c"', {"A": "b # c"}),
        ("A='b # c' # d", {"A": "b # c"}),
        ("A=`b`", {"A": "b"}),
        ('A="b\nc"\nD=e', {"A": "b\nc", "D": "e"}),
        ("A='b\n\nc'\nD=e", {"A": "b\n\nc", "D": "e"}),
        (r'A="b\nc\"d\\"', {"A": 'b\nc"d\\'}),
        (r"A='b\nc'", {"A": r"b\nc"}),
        ("A=it's\nB=c", {"A": "it's", "B": "c"}),
        ('A="b\nC=d', {"A": '"b', "C": "d"}),
        ("A=b\nA=c", {"A": "c"}),
        ("A=b\nC=${A}-${D}-${E:-f}", {"A": "b", "C": "b--f"}),
        ("A=b\nC='${A}'", {"A": "b", "C": "${A}"}),
        ("A=$b", {"A": "$b"}),
        ("A=b=c==", {"A": "b=c=="}),
        ("\ufeffA=b\r\nC=d\r\n", {"A": "b", "C": "d"}),
        ("1A=b\n-=c\n=d", {}),
    ],
)
def test_line_of_a_dialect_is_read(text: str, expected: dict[str, object]):
    assert read(text) == expected


def test_line_is_that_of_the_name():
    found = read_env('A="b\nc"\n\nD=e', ".env")
    assert [(one.name, one.line) for one in found] == [("A", 1), ("D", 4)]


NAMES = st.text("ABC_", min_size=1, max_size=4)
# What is no line end, beside the one that files have.
VALUES = st.text(f"{string.ascii_letters}{string.punctuation} \n", max_size=20)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_single_quoted_values_read_back(values: dict[str, str]):
    text = "\n".join(f"{name}='{_escaped(value)}'" for name, value in values.items())
    assert read(text) == values


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


@given(st.text())
def test_any_text_is_read(text: str):
    for one in read_env(text, ".env"):
        assert one.line <= text.count("\n") + len(text.splitlines()) + 1


def test_expansions_of_each_other_stay_small():
    text = "A=aaaaaaaaaa\n" + "".join(
        f"{chr(66 + n)}={'${' + chr(65 + n) + '}'}{'${' + chr(65 + n) + '}'}\n" for n in range(20)
    )
    assert max(len(str(value)) for value in read(text).values()) <= 100_000
