"""What CloudWatch's SetAlarmState refuses, and ministack takes.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

_Answer = tuple[int, dict[str, str], bytes]
STATES = ("INSUFFICIENT_DATA", "ALARM", "OK")
# The longest texts, in characters.
_MOST = {"StateReason": 1023, "StateReasonData": 4000}


def check_states(module: Any) -> None:
    """Refuse states that CloudWatch refuses."""
    set_state = cast("Callable[..., _Answer]", module._set_alarm_state)  # noqa: SLF001

    def set_valid(
        params: Mapping[str, list[str]], data: Mapping[str, Any], is_cbor: bool, is_json: bool = False
    ) -> _Answer:
        names = ("AlarmName", "StateValue", *_MOST)
        given = data if is_cbor or is_json else {name: params[name][0] for name in names if name in params}
        refused = refusal(given)
        if refused:
            return cast("_Answer", module._error(*refused, 400, use_json=is_json, use_cbor=is_cbor))  # noqa: SLF001
        return set_state(params, data, is_cbor, is_json)

    module._set_alarm_state = set_valid  # noqa: SLF001


def refusal(given: Mapping[str, Any]) -> tuple[str, str] | None:
    """The error and its text; None if the request is valid. The texts are those of public reports."""
    for name in ("AlarmName", "StateValue", "StateReason"):
        if given.get(name) is None:
            return _constraint(name, "Member must not be null")
    if given["StateValue"] not in STATES:
        return _constraint("StateValue", f"Member must satisfy enum value set: [{', '.join(STATES)}]")
    for name, most in _MOST.items():
        if len(str(given.get(name) or "")) > most:
            return _constraint(name, f"Member must have length less than or equal to {most}")
    if given.get("StateReasonData") and not _is_json(str(given["StateReasonData"])):
        return "InvalidFormat", "Data was not syntactically valid JSON."
    return None


def _constraint(name: str, words: str) -> tuple[str, str]:
    member = f"{name[0].lower()}{name[1:]}"
    found = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {words}"
    return "ValidationError", found


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
