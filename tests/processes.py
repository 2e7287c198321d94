"""Child processes of tests."""

from collections.abc import Generator
from contextlib import contextmanager
from subprocess import Popen
from typing import TypeVar

Text = TypeVar("Text", str, bytes)


@contextmanager
def child(process: Popen[Text]) -> Generator[Popen[Text]]:
    """A process that ends with the block: after an error in it, `Popen` alone would wait for ever."""
    with process:
        try:
            yield process
        finally:
            process.kill()
