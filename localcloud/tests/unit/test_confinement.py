"""A confined package has its own environment; the process's stays unchanged."""

import importlib
import logging
import os
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailstack_localcloud.backend.confinement import Confinement
from tests.waiting import PATIENCE

MODULE = textwrap.dedent("""
    import logging
    import os
    import tempfile
    import threading
    import time

    logging.basicConfig(level=logging.DEBUG, force=True)
    os.environ["CHANGED"] = "yes"
    read = os.environ.get("COLOUR"), os.getenv("COLOUR"), os.environ.get("HOME")
    turns = []

    def later():
        import os as again
        return again.environ["COLOUR"], tempfile.mkdtemp()

    def forever():
        while True:
            turns.append(1)
            time.sleep(3600)

    thread = threading.Thread(target=forever)
    thread.start()

    from .logging import name
""")


@pytest.fixture
def package(tmp_path: Path) -> Iterator[tuple[Any, Confinement, Path]]:
    """A package of two modules, imported in confinement."""
    name = f"confined_{tmp_path.name}".replace("-", "_")
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(MODULE)
    (tmp_path / name / "logging.py").write_text("name = 'not the library'")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    confinement = Confinement({"COLOUR": "green"}, str(scratch), name)
    sys.path.insert(0, str(tmp_path))
    confinement.begin()
    try:
        yield importlib.import_module(name), confinement, scratch
    finally:
        confinement.end()
        sys.meta_path.remove(confinement)
        sys.path.remove(str(tmp_path))


def test_confined_package_has_its_own_environment(package: tuple[Any, Confinement, Path]):
    module, _, _ = package
    assert module.read == ("green", "green", None)
    assert module.os.environ == {"COLOUR": "green", "CHANGED": "yes"}
    assert "CHANGED" not in os.environ
    assert "COLOUR" not in os.environ


def test_late_imports_are_confined(package: tuple[Any, Confinement, Path]):
    module, _, scratch = package
    colour, folder = module.later()
    assert (colour, Path(folder).parent) == ("green", scratch)
    assert tempfile.gettempdir() != str(scratch)


def test_confined_package_does_not_configure_logging(package: tuple[Any, Confinement, Path]):
    assert logging.root.level != logging.DEBUG


def test_its_modules_may_be_called_like_the_standard_ones(package: tuple[Any, Confinement, Path]):
    assert package[0].name == "not the library"


def test_its_threads_end(package: tuple[Any, Confinement, Path]):
    module, confinement, _ = package
    assert module.thread in threading.enumerate()
    confinement.end()
    module.thread.join(PATIENCE)
    assert not module.thread.is_alive()
    assert (module.turns, module.time.monotonic) == ([1], time.monotonic)  # noqa: TID251 - nothing is measured
