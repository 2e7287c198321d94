"""DynamoDB's point-in-time recovery: what ministack restores, with AWS's window, refusals and settings.

No history is kept: a table is restored as it is now, so that only the latest restorable time can be asked for.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from mailstack_localcloud import virtual_time

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoveryDescription.html: "typically 5
# minutes before the current time", and 35 days back unless the table says less.
LATEST, EARLIEST = timedelta(minutes=5).total_seconds(), timedelta(days=35).total_seconds()
_OK = 200
_Answer = tuple[int, dict[str, str], bytes]
_Call = Callable[[Mapping[str, Any]], _Answer]


class PointInTime:
    """Replaces three operations of ministack's DynamoDB.

    Args:
        module: ministack's DynamoDB.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._since: dict[str, float] = {}
        self._describe = cast("_Call", module._describe_continuous_backups)  # noqa: SLF001
        self._update = cast("_Call", module._update_continuous_backups)  # noqa: SLF001
        self._restore = cast("_Call", module._restore_table_to_point_in_time)  # noqa: SLF001
        module._describe_continuous_backups = self._described  # noqa: SLF001
        module._update_continuous_backups = self._updated  # noqa: SLF001
        module._restore_table_to_point_in_time = self._restored  # noqa: SLF001

    def reset(self) -> None:
        """Forget since when tables can be restored."""
        self._since.clear()

    def _updated(self, data: Mapping[str, Any]) -> _Answer:
        name = _table_of(data.get("TableName"))
        was_on = bool(self._module._pitr_settings.get(name))  # noqa: SLF001
        answer = self._update(data)
        if not was_on:
            self._since[name] = virtual_time.seconds()
        return self._with_window(answer, name)

    def _described(self, data: Mapping[str, Any]) -> _Answer:
        return self._with_window(self._describe(data), _table_of(data.get("TableName")))

    def _with_window(self, answer: _Answer, name: str) -> _Answer:
        """The answer with the times between which the table can be restored, if it can be."""
        status, headers, body = answer
        if status != _OK or not self._module._pitr_settings.get(name):  # noqa: SLF001
            return answer
        whole = cast("dict[str, Any]", json.loads(body))
        earliest, latest = self._window(name)
        described = whole["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        described |= {
            "EarliestRestorableDateTime": earliest,
            "LatestRestorableDateTime": latest,
            "RecoveryPeriodInDays": 35,
        }
        return status, headers, json.dumps(whole).encode()

    def _window(self, name: str) -> tuple[float, float]:
        """The earliest and the latest time; of a table of an earlier start, from its creation on."""
        now, table = virtual_time.seconds(), self._module._tables[name]  # noqa: SLF001
        since = self._since.get(name, float(table.get("CreationDateTime") or now))
        earliest = max(since, now - EARLIEST)
        return earliest, max(earliest, now - LATEST)

    def _restored(self, data: Mapping[str, Any]) -> _Answer:
        source = _table_of(data.get("SourceTableName") or data.get("SourceTableArn"))
        tables = self._module._tables  # noqa: SLF001
        refusal = self._refusal(data, source) if source in tables else None
        if refusal:
            code, words, status = refusal
            return cast("_Answer", self._module.error_response_json(code, words, status))
        answer = self._restore(data)
        if answer[0] != _OK:
            return answer
        # Of the table's settings, its encryption and class are restored; TTL, tags, stream, deletion protection and
        # point-in-time recovery are not: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.Tutorial.html
        target = tables[str(data["TargetTableName"])]
        for setting in ("SSEDescription", "TableClassSummary"):
            if tables[source].get(setting):
                target[setting] = tables[source][setting]
        whole = cast("dict[str, Any]", json.loads(answer[2]))
        summary = {"SourceTableArn": tables[source]["TableArn"], "RestoreInProgress": False}
        summary["RestoreDateTime"] = self._window(source)[1]
        whole["TableDescription"] |= {"RestoreSummary": summary}
        return answer[0], answer[1], json.dumps(whole).encode()

    def _refusal(self, data: Mapping[str, Any], source: str) -> tuple[str, str, int] | None:
        """Error, text and status of a request that AWS or this local cloud refuses."""
        latest, moment = bool(data.get("UseLatestRestorableTime")), data.get("RestoreDateTime")
        if not self._module._pitr_settings.get(source):  # noqa: SLF001
            words = f"Point in time recovery is not enabled for table '{source}'"
            return "PointInTimeRecoveryUnavailableException", words, 400
        if latest == (moment is not None):
            words = "Exactly one of UseLatestRestorableTime and RestoreDateTime must be specified"
            return "ValidationException", words, 400
        if moment is None:
            return None
        first, last = self._window(source)
        if not first <= float(moment) <= last:
            return "InvalidRestoreTimeException", "The restore time is outside of the restorable window.", 400
        words = "The local cloud keeps no history of a table. Restore to the latest restorable time."
        return "NotEmulated", words, 501


def _table_of(name: object) -> str:
    """A table's name, of its name or its ARN."""
    return str(name or "").rpartition("/")[2]
