"""Runs export and import jobs, on ticks of the clock. `operations.jobs` has their API."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from mailstack_localcloud.ses import exports, imports
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.files import FileError
from mailstack_localcloud.ses.state import Job

# How long a job waits: long enough to be seen waiting, and to be cancelled.
PATIENCE = timedelta(seconds=1)
# Finished jobs are remembered, the newest of them.
KEPT_JOBS = 1000
# Others have their turn after so many records.
_A_TURN = 100
EXPORTS = {"MessageInsightsDataSource": exports.insights, "MetricsDataSource": exports.metrics}


async def work(context: Context, waited: timedelta = PATIENCE) -> None:
    """Do every job that has waited so long."""
    async with context.working:
        jobs, before = context.state.jobs, datetime.now(UTC) - waited
        for job in [job for job in jobs.values() if job.status == "CREATED" and job.created_at <= before]:
            await _do(context, job)
        for job_id in list(jobs)[:-KEPT_JOBS]:
            if jobs[job_id].completed_at:
                del jobs[job_id]


async def _do(context: Context, job: Job) -> None:
    job.status = "PROCESSING"
    try:
        await (_import(context, job) if job.is_import else _export(context, job))
    except (FileError, imports.UnreadableError) as error:
        job.failure["ErrorMessage"] = str(error)
    if job.status == "PROCESSING":
        job.status = "FAILED" if "ErrorMessage" in job.failure else "COMPLETED"
        job.completed_at = datetime.now(UTC)


async def _import(context: Context, job: Job) -> None:
    state, data_format = context.state, job.source["DataFormat"]
    content = await context.files.read(job.source["S3Url"], state.account_id)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise imports.UnreadableError(f"The file is not UTF-8: {error}.") from error
    failed = list[str]()
    for record in imports.records(text, data_format, job.destination):
        problem = imports.apply(context, job.destination, record)
        job.processed += 1
        if problem:
            failed.append(json.dumps({"record": record, "error": problem}))
        if job.processed % _A_TURN == 0:
            await asyncio.sleep(0)
    job.counted = len(failed)
    if failed:
        job.failure["FailedRecordsS3Url"] = await context.files.leave(f"{job.job_id}/failed.json", _lines(failed))


async def _export(context: Context, job: Job) -> None:
    kind, asked = next(iter(job.source.items()))
    data_format = job.destination["DataFormat"]
    export = EXPORTS[kind](context.state, asked)
    url = await context.files.leave(f"{job.job_id}/export.{data_format.lower()}", export.file(data_format))
    if job.status == "PROCESSING":
        job.destination["S3Url"] = url
        job.processed, job.counted = export.looked_at, len(export.rows)


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
