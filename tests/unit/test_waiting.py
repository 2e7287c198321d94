"""No test depends on the speed of a machine, and none hangs.

Its timeouts are named ones (`tests.waiting`), and its processes end with it (`tests.processes`).
"""

import ast
import signal
from pathlib import Path

import pytest

from conftest import pytest_configure

ROOT = Path(__file__).parents[2]
FILES = sorted(file for suite in ("tests", "localcloud/tests") for file in Path(ROOT, suite).rglob("*.py"))
# What takes a number of seconds: arguments by their names, and the position among those of functions and methods.
ARGUMENTS = {"timeout", "connect_timeout", "read_timeout"}
POSITIONS = {
    **dict.fromkeys(("settimeout", "wait", "join", "communicate", "result", "timeout", "sleep"), 0),
    "wait_for": 1,
    "create_connection": 1,
    "select": 3,
}


def timeouts(source: str) -> list[str]:
    """The calls of a file that are given a plain number of seconds to end in, or to wait."""
    found: list[str] = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        given = [word.value for word in call.keywords if word.arg in ARGUMENTS]
        if isinstance(call.func, ast.Attribute) and call.func.attr in POSITIONS:
            position = POSITIONS[call.func.attr]
            given += call.args[position : position + 1]
        found += [ast.unparse(call) for value in given if _is_number(value)]
    return found


def _is_number(value: ast.expr) -> bool:
    """Whether it is a plain number; zero gives others a turn, or looks once, whatever the time."""
    return isinstance(value, ast.Constant) and type(value.value) in {int, float} and value.value != 0


def endless(source: str) -> list[str]:
    """The `with` statements of a file that wait for a process without a bound, after an error in them, too."""
    statements = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.With))
    opened = [ast.unparse(item.context_expr) for node in statements for item in node.items]
    return [one for one in opened if one.startswith(("subprocess.Popen(", "Popen("))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_timeouts_are_named(file: Path):
    assert timeouts(file.read_text()) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_process_outlives_its_test(file: Path):
    assert endless(file.read_text()) == []


@pytest.mark.parametrize("opened", ["subprocess.Popen(['sleep'])", "open('log') as log, Popen(['sleep'])"])
def test_a_process_that_may_never_end_is_found(opened: str):
    assert endless(f"with {opened} as process: pass")
    assert not endless(f"with child({opened.rpartition(', ')[2]}) as process: pass")


def test_ctrl_c_ends_what_tests_start_in_the_background_too():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pytest_configure()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("process.wait(10)", True),
        ("run([], timeout=5)", True),
        ("Config(read_timeout=0.5)", True),
        ("await asyncio.wait_for(event.wait(), 3)", True),
        ("await asyncio.sleep(0.1)", True),
        ("asyncio.timeout(3)", True),
        ("socket.create_connection(address, 5)", True),
        ("select.select([client], [], [], 0.5)", True),
        ("select.select([client], [], [], 0)", False),
        ("await asyncio.sleep(0)", False),
        ("process.wait(PATIENCE)", False),
        ("run([], timeout=BRIEF)", False),
        ("', '.join(parts)", False),
        ("{'timeout': 30}", False),
    ],
)
def test_a_plain_number_is_found(source: str, *, found: bool):
    assert bool(timeouts(source)) is found
