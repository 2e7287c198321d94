"""The drill of a restore: the table as it was minutes ago, under another name, has the rows that it had.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.Tutorial.html
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mailer.cli.drill.rows import compared, count, sample
from mailer.cli.stack import client
from mailer.errors import CommandFailed
from mailer.stores.dynamodb.table import dynamodb_api

if TYPE_CHECKING:
    from mailer.cli.drill.task import Task

# https://aws.amazon.com/dynamodb/pricing/on-demand/: of a restore in us-east-1, in 2026.
_USD_A_GIGABYTE = 0.15
_GIGABYTE = 1e9
# Seconds by which the clocks of this machine and of AWS may differ.
_SKEW = timedelta(seconds=60)


def restore(task: "Task") -> None:
    """Restore the table, compare, delete the copy."""
    course, table = task.course, task.site.outputs.table
    db, api = client("dynamodb", task.site.outputs.region), dynamodb_api(task.site.outputs.region)
    copy = f"{table}-drill-{task.mark}"
    try:
        with course.step("point-in-time recovery is enabled") as step:
            _latest(db, table)
            size = db.describe_table(TableName=table)["Table"].get("TableSizeBytes", 0)
            step.found = f"{size / 1e6:,.1f} MB, about {size / _GIGABYTE * _USD_A_GIGABYTE:.2f} USD to restore"
        with course.step("read a sample of the rows") as step:
            rows = sample(api, table, task.rows)
            step.found = f"{len(rows):,} rows"
        with course.step("DynamoDB can restore this moment") as step:
            read_at = datetime.now(UTC) + _SKEW
            moment = course.until(lambda: _if_after(_latest(db, table), read_at), "The moment stays too recent", _HINT)
            step.found = f"{moment:%H:%M:%S} UTC"
        try:
            with course.step("DynamoDB accepts the restore") as step:
                _start(db, table, copy)
                step.found = copy
            with course.step("the copy is ready"):
                course.until(lambda: _is_active(db, copy), "The copy is not ready", _HINT)
            with course.step("compare the sample with the copy") as step:
                step.found = compared(api, table, copy, rows)
            with course.step("count the rows") as step:
                step.found = f"{count(api, copy)} in the copy, {count(api, table)} in the table now"
        finally:
            _delete(task, db, copy)
    finally:
        api.close()


_HINT = "Restores of large tables take hours: give --wait SECONDS. docs/guides/operations.md, 'Drills'."


def _latest(db: Any, table: str) -> datetime:
    """The latest moment that can be restored, typically five minutes ago."""
    found = db.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    described = found.get("PointInTimeRecoveryDescription", {})
    if described.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise CommandFailed(
            f"The table {table} cannot be restored: point-in-time recovery is {described or 'off'}.",
            hint="mailer doctor --only backup",
        )
    return described["LatestRestorableDateTime"]


def _if_after(latest: datetime, moment: datetime) -> datetime | None:
    return latest if latest >= moment else None


def _start(db: Any, table: str, copy: str) -> None:
    from botocore.exceptions import ClientError

    try:
        db.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=copy, UseLatestRestorableTime=True)
    except ClientError as error:
        # The name is new: a first request whose answer was lost has started it.
        if error.response.get("Error", {}).get("Code") != "TableAlreadyExistsException":
            raise


def _is_active(db: Any, copy: str) -> bool:
    return db.describe_table(TableName=copy)["Table"]["TableStatus"] == "ACTIVE"


def _delete(task: "Task", db: Any, copy: str) -> None:
    """Delete the copy. DynamoDB refuses it while the copy is being created, and the failed step says so."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        with task.course.step("delete the copy") as step:
            try:
                db.delete_table(TableName=copy)
            except db.exceptions.ResourceNotFoundException:
                step.found = "there is none"
            except (BotoCoreError, ClientError) as error:
                later = f"aws dynamodb delete-table --table-name {copy} --region {task.site.outputs.region}"
                raise CommandFailed(f"{error} It is charged for until you delete it: {later}") from error
    except CommandFailed:
        return  # the step has failed, and says why
