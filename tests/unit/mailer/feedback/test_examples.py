"""The examples in the documentation of what runs in the Lambdas are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "module",
    [
        *(f"mailer.feedback.{name}" for name in ("events", "policy", "recipients")),
        *(f"mailer.functions.{name}" for name in ("envelope", "guard", "log")),
        "mailer.stores.dynamodb.suppressions",
    ],
)
def test_examples_say_what_happens(module: str):
    assert doctest.testmod(importlib.import_module(module)).failed == 0
