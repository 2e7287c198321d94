"""`import mailer` costs next to nothing, and gives everything that it names."""

import subprocess
import sys

import mailer
from mailer.templates.url import Url
from tests.waiting import PATIENCE

HEAVY = {"boto3", "botocore", "pydantic", "jinja2", "mrml"}


def loaded_after(code: str) -> set[str]:
    script = f"import sys; {code}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE)
    return set(done.stdout.split())


def test_import_mailer_loads_nothing_heavy():
    assert not HEAVY & loaded_after("import mailer; dir(mailer); from mailer import Message, Status, SendResult")


def test_the_command_line_shows_its_help_without_them():
    assert not HEAVY & loaded_after("from mailer.cli import parser; parser().format_help()")


def test_what_the_lambdas_share_with_mailer_needs_no_pydantic_and_no_jinja():
    assert not {"pydantic", "jinja2"} & loaded_after("import mailer.address, mailer.errors, mailer.stores.base")


def test_every_public_name_is_there_and_is_what_it_says():
    for name in mailer.__all__:
        value = getattr(mailer, name)
        assert value is Url if name == "Url" else value.__name__ == name
    assert set(mailer.__all__) <= set(dir(mailer))
    assert not hasattr(mailer, "no_such_name")
