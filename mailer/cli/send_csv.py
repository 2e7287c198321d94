"""`mailer send TEMPLATE --csv FILE`: one mail for each row, checked before the first is sent, resumable."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailer.cli.csv_rows import Row, rows
from mailer.cli.journal import SUFFIX, Journal, run_id
from mailer.cli.named_template import fill
from mailer.cli.output import as_json, line, table
from mailer.errors import ConfigurationError, InvalidMessage, TemplateError
from mailer.results import Status

if TYPE_CHECKING:
    from mailer.mailer import Mailer
    from mailer.message import Envelope, Message
    from mailer.sending.many import Mail
    from mailer.templates.base import EmailTemplate

_SHOWN = 20
# Rows between two updates of the progress line.
_STEP = 25


@dataclass(frozen=True, slots=True)
class CsvRun:
    """What is sent to whom.

    Attributes:
        path: The CSV file.
        kind: The template.
        values: Fields that are the same in every mail; columns of the file win.
        envelope: The rest of each message, without recipients.
    """

    path: Path
    kind: "type[EmailTemplate]"
    values: Mapping[str, object]
    envelope: "Envelope"

    def mail(self, row: Row, key: str | None = None) -> "Mail":
        """The mail of a row.

        Raises:
            TemplateError: The fields do not fit the template.
        """
        from mailer.sending.many import Mail

        content = fill(self.kind, {**self.values, **row.fields})
        rest: dict[str, Any] = {**self.envelope}
        return Mail(content, to=row.to, idempotency_key=key, reference=row.line, **rest)

    def compose(self, mailer: "Mailer", row: Row) -> "Message":
        """The message of a row. Errors: see `Mailer.compose`."""
        envelope: Envelope = {**self.envelope, "to": row.to}
        return mailer.compose(fill(self.kind, {**self.values, **row.fields}), **envelope)

    def check(self, mailer: "Mailer", is_settled: Callable[[int], bool] = lambda _: False) -> int:
        """Compose the mail of every row; return their number. Progress goes to standard error.

        Args:
            mailer: Composes them.
            is_settled: Whether the row of a line was sent by an earlier run, which has checked it.

        Raises:
            ConfigurationError: Rows cannot be sent; the first problems are named by line.
        """
        problems, count, seen = list[str](), 0, Counter[str]()
        for row in rows(self.path):
            count += 1
            if is_settled(row.line):
                continue
            try:
                seen.update(address.key for address in self.compose(mailer, row).recipients)
            except (InvalidMessage, TemplateError) as error:
                problems.append(f"line {row.line}: {error.message}")
            _progress(f"checked {count:,} rows", count)
        _progress_end()
        if problems:
            more = f"\n... and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
            listed = "\n".join(problems[:_SHOWN])
            raise ConfigurationError(
                f"{len(problems):,} of {count:,} rows cannot be sent:\n{listed}{more}", hint="Nothing was sent."
            )
        if not count:
            raise ConfigurationError(f"{self.path} has no rows.", hint="Nothing was sent.")
        repeated = sum(times > 1 for times in seen.values())
        if repeated:
            sys.stderr.write(f"mailer: {repeated:,} recipients are in several rows and get a mail for each.\n")
        return count

    def send(self, mailer: "Mailer", *, resume: bool, threads: int) -> Counter[str]:
        """Send what is not settled; return how many rows have which status, those of earlier runs too."""
        facts = (self.kind.template_name(), self.values, self.envelope, mailer.outputs.stack)
        path = self.path.with_name(self.path.name + SUFFIX)
        total = 0 if resume else self.check(mailer)  # a new run has no journal before every row is checked
        journal = Journal.open(path, run_id(self.path, facts), resume=resume)
        try:
            now = datetime.now(UTC)
            total = total or self.check(mailer, lambda line: journal.is_settled(line, now))
            for done, result in enumerate(mailer.send_many(self._left(journal), threads=threads), 1):
                journal.end(result)
                _progress(f"{len(journal.statuses):,} of {total:,}", done)
        finally:
            _progress_end()
            journal.close()
        return Counter({**dict.fromkeys(journal.begun, str(Status.UNKNOWN)), **journal.statuses}.values())

    def _left(self, journal: Journal) -> "Iterator[Mail]":
        now = datetime.now(UTC)
        for row in rows(self.path):
            if not journal.is_settled(row.line, now):
                journal.begin(row.line)
                yield self.mail(row, journal.key(row.line))


def dry_run(run: CsvRun, mailer: "Mailer", *, json: bool) -> None:
    """Check every row and show the first mail."""
    count = run.check(mailer)
    first = next(rows(run.path))
    message = run.compose(mailer, first)
    if json:
        as_json({"rows": count, "subject": message.subject, "text": message.text})
        return
    line(f"{count:,} rows can be sent. The first mail, to {message.recipients[0].masked}:\n")
    line(f"subject: {message.subject}\n\n{message.text}\nNothing was sent.")


def report(statuses: Counter[str], run: CsvRun, *, json: bool) -> bool:
    """Print the counts; return whether every row was sent."""
    journal = run.path.with_name(run.path.name + SUFFIX)
    if json:
        as_json({"statuses": dict(sorted(statuses.items())), "journal": str(journal)})
    else:
        table((status, f"{count:,}") for status, count in sorted(statuses.items()))
        line(f"\nEach row's result is in {journal}. --resume sends what was not sent.")
    return not statuses.keys() - {str(Status.SENT), str(Status.QUEUED)}


def _progress(text: str, count: int) -> None:
    if sys.stderr.isatty() and count % _STEP == 0:
        sys.stderr.write(f"\r{text}\033[K")
        sys.stderr.flush()


def _progress_end() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
