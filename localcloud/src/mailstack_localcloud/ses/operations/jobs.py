"""Export and import jobs: create, get, list and cancel. `ses.jobs` runs them."""

import uuid
from datetime import UTC, datetime
from typing import Any

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page
from mailstack_localcloud.ses.errors import SesError, bad_request, not_emulated, not_found
from mailstack_localcloud.ses.state import Job

# https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html
MAX_IMPORTS = 20
_SOURCES = {"MetricsDataSource": "METRICS_DATA", "MessageInsightsDataSource": "MESSAGE_INSIGHTS"}
_TARGETS = {"SuppressionListDestination": "SUPPRESSION_LIST", "ContactListDestination": "CONTACT_LIST"}
_UNFINISHED = frozenset({"CREATED", "PROCESSING"})


def create_export(context: Context, p: Parameters) -> Output:
    """CreateExportJob."""
    source, destination = p["ExportDataSource"], p["ExportDestination"]
    asked = _only(source, "ExportDataSource")
    if asked["EndDate"] < asked["StartDate"]:
        raise bad_request("EndDate is before StartDate.")
    if "S3Url" in destination:
        raise not_emulated("An export to a bucket of one's own")
    if "ISP" in asked.get("Dimensions", {}) or any("Isp" in asked.get(name, {}) for name in ("Include", "Exclude")):
        raise not_emulated("An export by ISP")
    return _created(context, is_import=False, source=source, destination=destination)


def create_import(context: Context, p: Parameters) -> Output:
    """CreateImportJob: an account in the sandbox has none."""
    if not context.state.account.production_access:
        raise bad_request("Import jobs need production access.")
    target = _only(p["ImportDestination"], "ImportDestination")
    if "ContactListName" in target:
        list_name = str(target["ContactListName"])
        if list_name not in context.state.contact_lists:
            raise bad_request(f"Contact list <{list_name}> does not exist.")
    if sum(job.is_import and job.status in _UNFINISHED for job in context.state.jobs.values()) >= MAX_IMPORTS:
        raise SesError("LimitExceededException", "Maximum number of import jobs under way exceeded.")
    return _created(context, is_import=True, source=p["ImportDataSource"], destination=p["ImportDestination"])


def get_export(context: Context, p: Parameters) -> Output:
    """GetExportJob."""
    job = _job(context, p, is_import=False)
    statistics = {"ProcessedRecordsCount": job.processed, "ExportedRecordsCount": job.counted}
    return {
        **_export_summary(job),
        "ExportDestination": job.destination,
        "ExportDataSource": job.source,
        "FailureInfo": job.failure or None,
        "Statistics": statistics if job.status == "COMPLETED" else None,
    }


def get_import(context: Context, p: Parameters) -> Output:
    """GetImportJob."""
    job = _job(context, p, is_import=True)
    return {
        **_import_summary(job),
        "ImportDataSource": job.source,
        "FailureInfo": job.failure or None,
        "CompletedTimestamp": job.completed_at,
    }


def cancel_export(context: Context, p: Parameters) -> Output:
    """CancelExportJob, while it is under way."""
    job = _job(context, p, is_import=False)
    if job.status not in _UNFINISHED:
        raise bad_request(f"Export job <{job.job_id}> is {job.status} and cannot be cancelled.")
    job.status, job.completed_at = "CANCELLED", datetime.now(UTC)
    return {}


def list_exports(context: Context, p: Parameters) -> Output:
    """ListExportJobs, newest first, by source and status."""
    jobs = _newest(context, is_import=False)
    summaries = [_export_summary(job) for job in jobs]
    wanted = {name: p[name] for name in ("ExportSourceType", "JobStatus") if name in p}
    shown, token = page([one for one in summaries if wanted.items() <= one.items()], p)
    return {"ExportJobs": shown, "NextToken": token}


def list_imports(context: Context, p: Parameters) -> Output:
    """ListImportJobs, newest first, by destination."""
    wanted = p.get("ImportDestinationType")
    jobs = [job for job in _newest(context, is_import=True) if wanted in {None, _TARGETS[next(iter(job.destination))]}]
    shown, token = page([_import_summary(job) for job in jobs], p)
    return {"ImportJobs": shown, "NextToken": token}


def _only(given: dict[str, Any], what: str) -> dict[str, Any]:
    if len(given) != 1:
        raise bad_request(f"{what} must have exactly one member.")
    return next(iter(given.values()))


def _created(context: Context, *, is_import: bool, source: dict[str, Any], destination: dict[str, Any]) -> Output:
    job = Job(uuid.uuid4().hex, is_import, source, destination, datetime.now(UTC))
    context.state.jobs[job.job_id] = job
    return {"JobId": job.job_id}


def _job(context: Context, p: Parameters, *, is_import: bool) -> Job:
    job = context.state.jobs.get(str(p["JobId"]))
    if job is None or job.is_import != is_import:
        raise not_found("Job", str(p["JobId"]))
    return job


def _newest(context: Context, *, is_import: bool) -> list[Job]:
    return [job for job in reversed(context.state.jobs.values()) if job.is_import == is_import]


def _export_summary(job: Job) -> Output:
    return {
        "JobId": job.job_id,
        "ExportSourceType": _SOURCES[next(iter(job.source))],
        "JobStatus": job.status,
        "CreatedTimestamp": job.created_at,
        "CompletedTimestamp": job.completed_at,
    }


def _import_summary(job: Job) -> Output:
    return {
        "JobId": job.job_id,
        "ImportDestination": job.destination,
        "JobStatus": job.status,
        "CreatedTimestamp": job.created_at,
        "ProcessedRecordsCount": job.processed,
        "FailedRecordsCount": job.counted,
    }


HANDLERS: dict[str, Handler] = {
    "CreateExportJob": create_export,
    "GetExportJob": get_export,
    "CancelExportJob": cancel_export,
    "ListExportJobs": list_exports,
    "CreateImportJob": create_import,
    "GetImportJob": get_import,
    "ListImportJobs": list_imports,
}
