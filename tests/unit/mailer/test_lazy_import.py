"""`import mailer` costs next to nothing, and gives everything that it names."""

import subprocess
import sys
from typing import Any

import mailer
from mailer.templates.secret import SecretText, SecretUrl
from mailer.templates.url import Url
from tests.waiting import PATIENCE

# Types with a check, which have no name of their own.
ALIASES: dict[str, Any] = {"SecretText": SecretText, "SecretUrl": SecretUrl, "Url": Url}
HEAVY = {"boto3", "botocore", "pydantic", "jinja2", "mrml"}
# What sending needs and importing does not: connections, addresses, the contract.
OF_SENDING = {"ssl", "socket", "http", "urllib", "email", "asyncio", "concurrent", "mailer.wire", "mailer.stack"}


def loaded_after(code: str) -> set[str]:
    """Every module that is loaded then, and the packages that they are in."""
    script = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE)
    return {part for name in done.stdout.split() for part in (name, name.partition(".")[0])}


def test_import_mailer_loads_no_other_module():
    assert loaded_after("import mailer") - loaded_after("pass") == {"mailer"}


def test_importing_mailer_class_loads_nothing_of_sending():
    assert not (HEAVY | OF_SENDING) & loaded_after("from mailer import Mailer")


def test_import_mailer_loads_nothing_heavy():
    assert not HEAVY & loaded_after("import mailer; dir(mailer); from mailer import Message, Status, SendResult")


def test_the_command_line_shows_its_help_without_them():
    assert not HEAVY & loaded_after("from mailer.cli import parser; parser().format_help()")


def test_lambda_modules_import_no_pydantic_or_jinja():
    assert not {"pydantic", "jinja2"} & loaded_after("import mailer.address, mailer.errors, mailer.stores.base")


def test_every_public_name_is_there_and_is_what_it_says():
    for name in mailer.__all__:
        value = getattr(mailer, name)
        assert value is ALIASES.get(name) or value.__name__ == name
    assert set(mailer.__all__) <= set(dir(mailer))
    assert not hasattr(mailer, "no_such_name")
