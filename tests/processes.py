"""Child processes of tests."""

from collections.abc import Generator
from contextlib import contextmanager
from subprocess import Popen, TimeoutExpired
from typing import TypeVar

from tests.waiting import PATIENCE

Text = TypeVar("Text", str, bytes)


@contextmanager
def child(process: Popen[Text]) -> Generator[Popen[Text]]:
    """A process that ends with the block: `Popen` alone would wait for one that an error in the block left running."""
    with process:
        try:
            yield process
        finally:
            process.terminate()  # which a process that has ended does not notice
            try:
                process.wait(PATIENCE)
            except TimeoutExpired:
                process.kill()
