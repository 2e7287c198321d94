"""Test events: what the provider would send, about a user of this application, signed as it signs.

The files of `samples` are whole events, of which the application reads only parts. Their times are moved to now.
"""

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from .signature import HEADER, sign

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "samples"
# In the order in which they would happen.
NAMES = ("checkout", "created", "updated", "failed", "trial_ending", "ending_soon", "cancelled", "ended")
# The attributes that hold seconds since the epoch.
_TIMES = frozenset(
    "billing_cycle_anchor cancel_at canceled_at created current_period_end current_period_start end_date ended_at "  # noqa: SIM905
    "next_payment_attempt start_date trial_end trial_start".split()
)
_SECONDS = 10


def sample(name: str, *, user: int, now: int, event_id: str = "", **replaced: object) -> dict[str, Any]:
    """A test event.

    Args:
        name: One of `NAMES`.
        user: The id of the user whom it is about.
        now: When it happens, in seconds since the epoch.
        event_id: Its id. Default: a new one.
        **replaced: Attributes of its object that have another value.

    Raises:
        KeyError: There is no such test event.
    """
    if name not in NAMES:
        raise KeyError(f"There is no test event {name!r}. There are: {', '.join(NAMES)}")
    found = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    names = {"cus_test_1": f"cus_test_{user}", "sub_test_1": f"sub_test_{user}"}
    moved = cast("dict[str, Any]", _moved(found, now - found["created"], names))
    moved["id"] = event_id or f"evt_test_{secrets.token_hex(12)}"
    given = cast("dict[str, Any]", moved["data"]["object"])
    _own(given, str(user))
    given.update(replaced)
    return moved


def deliver(event: "Mapping[str, object]", url: str, secret: str, *, now: int) -> int:
    """Send an event to a webhook, as the provider does.

    Returns:
        The status of the answer; 0 if there was none.
    """
    body = json.dumps(event).encode()
    headers = {"content-type": "application/json", HEADER: sign(body, secret, now=now)}
    try:
        with urlopen(Request(url, body, headers), timeout=_SECONDS) as answer:  # noqa: S310 - our own address
            return answer.status
    except HTTPError as refused:
        return refused.code
    except (URLError, TimeoutError):
        return 0


def _moved(value: object, seconds: int, names: "Mapping[str, str]", key: str = "") -> object:
    if isinstance(value, dict):
        return {name: _moved(one, seconds, names, name) for name, one in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_moved(one, seconds, names) for one in cast("list[object]", value)]
    if key in _TIMES and isinstance(value, int):
        return value + seconds
    return names.get(value, value) if isinstance(value, str) else value


def _own(given: dict[str, Any], user: str) -> None:
    """Write the user where the application writes it when it creates a checkout."""
    if "client_reference_id" in given:
        given["client_reference_id"] = user
    if "metadata" in given:
        given["metadata"] = {**given["metadata"], "user": user}
    if "parent" in given:
        given["parent"]["subscription_details"]["metadata"] = {"user": user}
