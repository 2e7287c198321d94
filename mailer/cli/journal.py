"""A journal beside a CSV file: which rows were begun and what became of them, so that a run can be resumed.

One JSON object a line, without addresses. Lines are written before a mail is sent and after it.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailer.errors import ConfigurationError
from mailer.results import Status
from mailer.stores.idempotency import RETENTION

if TYPE_CHECKING:
    from io import TextIOWrapper

    from mailer.sending.many import MailResult

SUFFIX = ".mailer.jsonl"
# Rows with one of these are not sent again.
_SETTLED = frozenset({Status.SENT, Status.QUEUED, Status.UNKNOWN})


def run_id(path: Path, what: object) -> str:
    """An id that only the same file, template and values have."""
    digest = sha256(path.read_bytes())
    digest.update(json.dumps(what, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:32]


@dataclass(slots=True)
class Journal:
    """The journal of one run.

    Attributes:
        path: The file.
        run: See `run_id`.
        statuses: The last status of each row that has one, by its line.
        begun: When rows without a status were begun.
    """

    path: Path
    run: str
    statuses: dict[int, str] = field(default_factory=dict[int, str])
    begun: dict[int, datetime] = field(default_factory=dict[int, datetime])
    _file: "TextIOWrapper | None" = None

    @classmethod
    def open(cls, path: Path, run: str, *, resume: bool) -> "Journal":
        """Open the journal of a new run, or of the run that it continues.

        Raises:
            ConfigurationError: There is a journal already, or none to resume, or it belongs to another run.
        """
        journal = cls(path, run)
        if path.exists() and not resume:
            raise ConfigurationError(
                f"The file was sent before: {path} exists.",
                hint="Pass --resume to send what is left, or delete the journal to send everything again.",
            )
        if resume:
            journal._read()
        journal._file = path.open("a", encoding="utf-8")
        if not resume:
            journal._write({"run": run})
        elif not path.read_bytes().endswith(b"\n"):
            journal._file.write("\n")  # the next line must not be part of a half one
        return journal

    def key(self, line: int) -> str:
        """The idempotency key of a row."""
        return f"csv-{self.run}-{line}"

    def is_settled(self, line: int, now: datetime) -> bool:
        """Whether a row must not be sent: it was sent, or may have been and its idempotency key has expired."""
        begun = self.begun.get(line)
        return self.statuses.get(line) in _SETTLED or (begun is not None and now - begun >= RETENTION)

    def begin(self, line: int) -> None:
        """Record that a row is about to be sent."""
        self.begun[line] = datetime.now(UTC)
        self._write({"line": line, "begun": self.begun[line].isoformat(timespec="seconds")})

    def end(self, result: "MailResult") -> None:
        """Record what became of a row."""
        line = int(str(result.mail.reference))
        if result.result:
            (one,) = result.result
            facts = {
                "status": str(one.status),
                "message_id": one.message_id,
                "reason": one.reason,
                "id": result.result.id,
            }
        else:
            facts = {"status": str(Status.FAILED), "reason": result.error.message if result.error else ""}
        self.statuses[line] = facts["status"]
        self.begun.pop(line, None)
        self._write({"line": line, **{name: value for name, value in facts.items() if value}})

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def _write(self, facts: dict[str, object]) -> None:
        assert self._file  # noqa: S101 - opened by `open`
        self._file.write(f"{json.dumps(facts, ensure_ascii=False)}\n")
        self._file.flush()  # to the operating system: it is kept if this process is killed

    def _read(self) -> None:
        try:
            first, *others = [_parsed(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"There is no run to resume: {self.path} cannot be read.", hint="Send without --resume."
            ) from error
        if first.get("run") != self.run:
            raise ConfigurationError(
                f"{self.path} belongs to another run: the file, the template or its values have changed since.",
                hint="Send the rest as a file of its own, or restore what has changed.",
            )
        for facts in others:
            line = int(facts.get("line", 0))
            if "status" in facts:
                self.statuses[line] = str(facts["status"])
                self.begun.pop(line, None)
            elif "begun" in facts:
                self.begun[line] = datetime.fromisoformat(str(facts["begun"]))


def _parsed(line: str) -> dict[str, Any]:
    """One line; empty for the half line that a killed process leaves."""
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}
