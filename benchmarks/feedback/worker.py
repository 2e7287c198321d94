"""A process that is a function: it imports a handler, handles events, and prints what that took.

`python worker.py FOLDER MODULE MODE`: `cold` for the import and one event, `warm` for many with the store stubbed.
The standard library alone is imported before, as in Lambda's own process.
"""

import contextlib
import io
import json
import sys
import time
from importlib import import_module
from typing import Any

_BATCH = 10


def main() -> None:
    """Measure, and print the figures as JSON."""
    folder, module, mode = sys.argv[1:]
    sys.path.insert(0, folder)
    events = json.loads(sys.stdin.read())
    with contextlib.redirect_stdout(io.StringIO()) as log:
        took = cold(module, events) if mode == "cold" else warm(module, events, log)
    sys.stdout.write(json.dumps(took))


def cold(module: str, events: list[Any]) -> dict[str, float]:
    """Milliseconds for the import, and for the first event; and of CPU time for both, which says less of the load."""
    started, cpu = time.perf_counter(), time.process_time()
    handler: Any = import_module(module)
    imported = time.perf_counter()
    answer = handler.handle({"Records": events[:1]}, None)
    ended = time.perf_counter()
    assert answer == {"batchItemFailures": []}, answer
    return {
        "import ms": (imported - started) * 1e3,
        "first event ms": (ended - imported) * 1e3,
        "cold start ms": (ended - started) * 1e3,
        "of CPU ms": (time.process_time() - cpu) * 1e3,
    }


def warm(module: str, events: list[Any], log: io.StringIO) -> dict[str, float]:
    """Events a second of CPU time."""
    handler: Any = import_module(module)
    _stub(handler)
    batches = [events[start : start + _BATCH] for start in range(0, len(events), _BATCH)]
    for batch in batches[:20]:  # whatever is done once, is done here
        handler.handle({"Records": batch}, None)
    started = time.process_time()
    for batch in batches:
        answer = handler.handle({"Records": batch}, None)
        assert answer == {"batchItemFailures": []}, answer
        log.seek(0)
        log.truncate()
    took = time.process_time() - started
    return {"events / s": len(events) / took}


def _stub(handler: Any) -> None:
    """Replace the requests to DynamoDB by answers that are ready."""
    if hasattr(handler, "table"):
        handler.table.put_item = _written
        return
    handler.dynamodb_api = Stubbed


def _written(**_: object) -> dict[str, object]:
    return {}


class Stubbed:
    """An API whose items never exist and whose writes all succeed."""

    def __init__(self, **_: object) -> None:
        """As whom it is asked does not matter."""

    def call(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Answer at once."""
        return {"Items": [], "Responses": {}, "UnprocessedKeys": {}}

    def close(self) -> None:
        """Close nothing."""


if __name__ == "__main__":
    main()
