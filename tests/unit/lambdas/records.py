"""SQS records as Lambda hands them to a function, and the handlers of lambdas/ by file."""

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

from mailer.functions.batch import SqsEvent

ROOT = Path(__file__).resolve().parents[3]


def handler(function: str) -> ModuleType:
    """A fresh copy of `lambdas/<function>/handler.py`, as a cold start loads it."""
    file = ROOT / "lambdas" / function / "handler.py"
    spec = importlib.util.spec_from_file_location(f"{function}_handler", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def batch(*bodies: str, receive_count: int = 1) -> SqsEvent:
    """A batch; the messages are called 1, 2, 3."""
    return {
        "Records": [
            {
                "messageId": str(number),
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(receive_count),
                    "SentTimestamp": "1772442000000",
                },
            }
            for number, body in zip(itertools.count(1), bodies, strict=False)
        ]
    }
