"""The examples in the docstrings of `mailer` run."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import mailer
from tests.django_project import set_up

set_up()
MODULES = sorted(module.name for module in pkgutil.walk_packages(mailer.__path__, "mailer."))


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples_run(name: str):
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in MODULES if not name.endswith("__main__") for test in finder.find(import_module(name))]
    assert sum(bool(test.examples) for test in found) >= 10
