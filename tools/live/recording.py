"""A recording of AWS's answers, with what identifies an account masked, so that it can be handed on.

One answer of each shape and error of an operation is kept. Not for comparing: `tools.live.compare`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import boto3

FILE, EVENTS = "answers.json", "events.json"
HIDDEN = "***"
# Members whose values are secrets, or say who asked.
_SECRET = re.compile(r"secret|password|token|signature|credential|accesskey|userid|location|session", re.IGNORECASE)
# In this order: the first takes what the next would leave half of.
_PATTERNS = (
    (re.compile(r"https?://[^\s\"']*X-Amz-[^\s\"']*"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"), HIDDEN),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "00000000-0000-0000-0000-000000000000"),
    (re.compile(r"\barn:aws[a-z-]*:(?:sts|iam)::\d{12}:(?!role/mailstack|policy/mailstack)[^\s\"']+"), HIDDEN),
    (re.compile(r"\b[\w.+-]+@(?!simulator\.amazonses\.com|example\.test)[\w-]+(?:\.[\w-]+)+"), "somebody@example.com"),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), "000000000000"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "192.0.2.1"),
)


class Mask:
    """Hides what identifies an account in strings and whole answers.

    Args:
        known: What the run itself knows, such as domain and stack, by what stands for it.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        longest_first = sorted(((old, new) for old, new in known.items() if old), key=lambda pair: -len(pair[0]))
        self._known = tuple(longest_first)

    def text(self, text: str) -> str:
        """The text without what identifies an account.

        Example:
            >>> Mask({"shop.test": "example.test"}).text("arn:aws:ses:us-east-1:123456789012:identity/shop.test")
            'arn:aws:ses:us-east-1:000000000000:identity/example.test'
        """
        for old, new in self._known:
            text = text.replace(old, new)
        for pattern, new in _PATTERNS:
            text = pattern.sub(new, text)
        return text

    def whole(self, value: object, name: str = "") -> object:
        """An answer, masked member by member. Times become `time`."""
        if isinstance(value, Mapping):
            members = cast("Mapping[object, object]", value)
            return {self.text(str(key)): self.whole(member, str(key)) for key, member in members.items()}
        if isinstance(value, list | tuple):
            return [self.whole(one, name) for one in cast("Iterable[object]", value)]
        if isinstance(value, date):
            return "time"
        if isinstance(value, str):
            return HIDDEN if value and _SECRET.search(name) else self.text(value)
        return value if value is None or isinstance(value, bool | int | float) else HIDDEN


def shape(value: object, path: str = "") -> Iterator[str]:
    """The members of an answer and their types, as lines `Topics[].TopicArn: str`.

    Example:
        >>> list(shape({"Topics": [{"TopicArn": "arn"}], "Count": 1}))
        ['Topics[].TopicArn: str', 'Count: number']
    """
    if isinstance(value, Mapping):
        for name, member in cast("Mapping[str, object]", value).items():
            yield from shape(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield from dict.fromkeys(line for one in cast("list[object]", value) for line in shape(one, f"{path}[]"))
    else:
        kind = (
            "bool" if isinstance(value, bool) else "number" if isinstance(value, int | float) else type(value).__name__
        )
        yield f"{path}: {kind}"


class Recorder:
    """Keeps AWS's answers of a session.

    Args:
        mask: Hides what identifies the account.
    """

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self._lock = Lock()
        self._answers: dict[tuple[str, ...], dict[str, object]] = {}
        self._events: dict[str, object] = {}

    def listen(self, session: "boto3.Session") -> None:
        """Hear every answer that clients of the session get from now on."""
        session.events.register("after-call", self._hear)

    def _hear(self, *, parsed: Mapping[str, Any], model: Any, **_: object) -> None:
        masked = cast(
            "dict[str, object]", self.mask.whole({k: v for k, v in parsed.items() if k != "ResponseMetadata"})
        )
        error = cast("Mapping[str, str]", masked.pop("Error", {}))
        operation = f"{model.service_model.service_name}.{model.name}"
        answer: dict[str, object] = {"operation": operation, "answer": {} if error else masked}
        if error:
            answer["error"] = {name: error.get(name, "") for name in ("Code", "Message")}
        key = (operation, error.get("Code", ""), *sorted(shape(answer["answer"])))
        with self._lock:
            self._answers.setdefault(key, answer)

    def event(self, event: Mapping[str, Any]) -> None:
        """Keep an event of SES, one of each type."""
        kind = str(event.get("eventType", ""))
        with self._lock:
            self._events.setdefault(kind, self.mask.whole(event))

    @property
    def answers(self) -> list[dict[str, object]]:
        """What was heard, by operation."""
        return sorted(self._answers.values(), key=lambda one: json.dumps(one, sort_keys=True))

    @property
    def events(self) -> dict[str, object]:
        """Events of SES by type."""
        return dict(sorted(self._events.items()))

    def write(self, folder: Path) -> None:
        """Write the recording into a folder.

        Raises:
            OSError: It cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in ((FILE, self.answers), (EVENTS, self.events)):
            (folder / name).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
