"""Any file: nothing is executed, nothing crashes, no secret is shown, nothing takes long."""

import contextlib
import io
import keyword
import os
import string
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.cli import main
from mailer.migrate.email_url import settings_of_url
from mailer.migrate.known import KNOWN, SHOWN
from mailer.migrate.plan import plan_of
from mailer.migrate.sources import read_sources

# Each writes files and runs the command.
EXAMPLES = 20
# Names whose values are secrets.
SECRETS = sorted(name for name, known in KNOWN.items() if known.part not in SHOWN and "NAME" not in known.part.name)
SECRET_TEXT = st.text(string.ascii_letters + string.digits + "+/=!$%&#@:. \\'\"", min_size=12, max_size=40)
ASSIGNMENTS = st.sampled_from(
    [
        "{name} = {value!r}",
        "{name} = os.environ.get('X', {value!r})",
        "{name} = config('X', default={value!r})",
        "{name} = env.str('X', {value!r})",
        "app.config[{name!r}] = {value!r}",
        "class Config:\n    {name} = {value!r}",
        "ConnectionConfig({name}={value!r})",
        "{name} = f'{{1}}' + {value!r}",
        "ANYMAIL = {{'SENDGRID_API_KEY': {value!r}}}",
        "MAILERS = {{'default': {{'BACKEND': 'a', 'OPTIONS': {{'password': {value!r}, 'username': {value!r}}}}}}}",
    ]
)


@contextmanager
def folder_with(**files: bytes) -> Generator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / {"env": ".env", "python": "settings.py"}[file]).write_bytes(data)
        yield folder


def shown(folder: Path, *options: str) -> str:
    """Everything that the command writes to its streams."""
    output, before = io.StringIO(), Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            main(["migrate", *options])
    finally:
        os.chdir(before)
    return output.getvalue()


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.binary(max_size=400), st.binary(max_size=400))
@example(b"EMAIL_URL=smtp://[", b"EMAIL_URL = env.email_url()")
@example(b"EMAIL_URL=smtp://a:99999", b"ANYMAIL = {}\nMAILERS = {1: 2, 'a': {'OPTIONS': 3}}")
@example(b"EMAIL_PORT=\xc2\xb2\nEMAIL_HOST=\xff", b"EMAIL_PORT = -1\nADMINS = [[[[[['a@example.com']]]]]]")
@example(b"\xff\xfeA\x00", b"\x00")
@example(b"", b"from . import *\nfrom .... import *\nfrom settings import *")
def test_any_bytes_are_read(env: bytes, python: bytes):
    with folder_with(env=env, python=python) as folder:
        shown(folder)
        shown(folder, "--json")


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.text(string.printable, max_size=300))
def test_any_text_of_python_is_read(text: str):
    with folder_with(python=text.encode()) as folder:
        plan_of(read_sources([], folder))


@settings(deadline=None, max_examples=EXAMPLES)
@given(
    st.sampled_from(SECRETS), SECRET_TEXT, st.sampled_from(["{}={}", "export {}={}", "{} = '{}'", '{}="{}"', "{}: {}"])
)
def test_secret_of_a_variable_is_never_shown(name: str, secret: str, form: str):
    text = f"SMTP_HOST=smtp.example.com\nSMTP_USER=a\nSMTP_PASSWORD=b\n{form.format(name, secret)}\n"
    with folder_with(env=text.encode()) as folder:
        assert secret.strip() not in shown(folder, "--write") + shown(folder, "--json")


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.sampled_from(SECRETS), SECRET_TEXT, ASSIGNMENTS)
def test_secret_of_a_setting_is_never_shown(name: str, secret: str, form: str):
    assert not keyword.iskeyword(name)
    text = f"EMAIL_HOST = 'smtp.example.com'\n{form.format(name=name, value=secret)}\n"
    with folder_with(python=text.encode()) as folder:
        assert secret not in shown(folder, "--write") + shown(folder, "--json")


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.sampled_from(sorted(KNOWN)), SECRET_TEXT)
def test_url_with_a_login_is_not_shown_under_any_name(name: str, secret: str):
    text = f"{name}='smtp://shop:{secret.replace(chr(39), '')}word@smtp.example.com'\n"
    with folder_with(env=text.encode()) as folder:
        assert f"{secret.replace(chr(39), '')}word" not in shown(folder)


@given(st.text())
@example("smtp://[::1")
@example("smtp://a:b@c:port")
def test_any_text_may_be_a_url(text: str):
    settings_of_url(text)
    settings_of_url(f"smtp://{text}")


@pytest.mark.parametrize(
    "code",
    [
        "(" * 500 + ")" * 500,
        "EMAIL_HOST = " + "-" * 5000 + "1",
        "EMAIL_HOST = " + "+".join(["'a'"] * 5000),
        "EMAIL_HOST = 'a'\n" + "EMAIL_HOST = EMAIL_HOST + EMAIL_HOST\n" * 60,
        "A = [1]\n" + "A = [A, A]\n" * 60 + "ADMINS = A\nANYMAIL = {'B': A}\nEMAIL_HOST = 'a' if A == A else 'b'\n",
        "A = {'a': 1}\n" + "A = {'a': A, 'b': A}\n" * 60 + "ANYMAIL = A\nMAILERS = A\n",
        "if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 90)) + " " * 90 + "EMAIL_HOST = 'a'\n",
    ],
    ids=["brackets", "signs", "sum", "doubling text", "doubling lists", "doubling dicts", "nested ifs"],
)
def test_file_that_would_take_for_ever_ends(code: str):
    with folder_with(python=code.encode()) as folder:
        shown(folder)


def test_large_file_is_refused():
    with folder_with(env=b"A=b\n" * 600_000) as folder:
        assert "is larger than" in shown(folder)
