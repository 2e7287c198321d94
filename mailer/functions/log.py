"""Log lines of the Lambdas: one JSON object each on standard output, which CloudWatch Logs Insights reads by field.

Callers pass only masked or redacted text.
"""

import json
import sys
from typing import Literal


def log(level: Literal["INFO", "WARNING", "ERROR"], message: str, **fields: object) -> None:
    """Write one line.

    Example:
        >>> log("INFO", "event", kind="Bounce", recipient="a***@example.com")
        {"level": "INFO", "message": "event", "kind": "Bounce", "recipient": "a***@example.com"}
    """
    sys.stdout.write(json.dumps({"level": level, "message": message, **fields}, default=str) + "\n")
