"""Export and import jobs of the emulated SES: exported files, imported files, and the status of jobs."""

import csv
import io
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mailstack_localcloud import LocalCloud
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.integration

HELLO: Any = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}}
TO_SUPPRESSION: Any = {"SuppressionListDestination": {"SuppressionListImportAction": "PUT"}}
FROM_SUPPRESSION: Any = {"SuppressionListDestination": {"SuppressionListImportAction": "DELETE"}}
TO_CONTACTS: Any = {"ContactListDestination": {"ContactListName": "list", "ContactListImportAction": "PUT"}}
SUPPRESSED = """{"emailAddress":"bob@example.com","reason":"BOUNCE"}
{"emailAddress": "alice@example.com",
 "reason": "COMPLAINT"}
{"emailAddress":"nobody","reason":"BOUNCE"}
{"emailAddress":"carol@example.com"}
"""
BUCKET_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "AllowSESGet",
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::lists/*",
            "Condition": {"StringEquals": {"aws:Referer": "000000000000"}},
        }
    ],
}


@pytest.fixture
def ses(cloud: LocalCloud) -> "SESV2Client":
    client = cloud.client("sesv2")
    client.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    client.create_configuration_set(ConfigurationSetName="news")
    return client


@pytest.fixture
def s3(cloud: LocalCloud) -> Any:
    client: Any = cloud.client("s3")
    client.create_bucket(Bucket="lists")
    client.put_bucket_policy(Bucket="lists", Policy=json.dumps(BUCKET_POLICY))
    return client


def fetched(url: str) -> str:
    assert url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - seen above
        return answer.read().decode()


def send(ses: "SESV2Client", to: str, **more: Any) -> str:
    to_one: Any = {"ToAddresses": [to]}
    return ses.send_email(FromEmailAddress="ada@example.test", Destination=to_one, Content=HELLO, **more)["MessageId"]


def span(**more: Any) -> Any:
    now = datetime.now(UTC)
    return {"StartDate": now - timedelta(days=1), "EndDate": now + timedelta(days=1), **more}


def exported(cloud: LocalCloud, ses: "SESV2Client", data_format: Any, source: Any) -> tuple[str, Any]:
    job_id = ses.create_export_job(ExportDataSource=source, ExportDestination={"DataFormat": data_format})["JobId"]
    cloud.control("POST", "jobs/work")
    job = ses.get_export_job(JobId=job_id)
    assert job["JobStatus"] == "COMPLETED"
    return fetched(job["ExportDestination"].get("S3Url", "")), job


def imported(cloud: LocalCloud, ses: "SESV2Client", destination: Any, data_format: Any, key: str = "list") -> Any:
    source: Any = {"S3Url": f"s3://lists/{key}", "DataFormat": data_format}
    job_id = ses.create_import_job(ImportDestination=destination, ImportDataSource=source)["JobId"]
    cloud.control("POST", "jobs/work")
    return ses.get_import_job(JobId=job_id)


def test_message_insights_are_exported_a_row_a_recipient(cloud: LocalCloud, ses: "SESV2Client"):
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    bounced, delivered = send(ses, "bob@gone.test"), send(ses, "bob@example.com")
    text, job = exported(cloud, ses, "CSV", {"MessageInsightsDataSource": span()})
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["MessageId"], row["Destination"], row["LastDeliveryEvent"]) for row in rows] == [
        (delivered, "bob@example.com", "DELIVERY"),
        (bounced, "bob@gone.test", "PERMANENT_BOUNCE"),
    ]
    assert (job["ExportSourceType"], job["Statistics"]["ExportedRecordsCount"]) == ("MESSAGE_INSIGHTS", 2)
    assert "ses-jobs" not in str(cloud.client("s3").list_buckets()["Buckets"])


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"Include": {"Destination": ["*@gone.test"]}}, ["bob@gone.test"]),
        ({"Exclude": {"LastDeliveryEvent": ["PERMANENT_BOUNCE"]}}, ["bob@example.com", "al*ce@example.com"]),
        ({"Include": {"Destination": ["al\\*ce@example.com", "nobody*"]}}, ["al*ce@example.com"]),
        ({"Include": {"Subject": ["hello"]}}, []),
        ({"Include": {"Subject": ["*ell*"]}, "MaxResults": 1}, ["bob@example.com"]),
        ({"StartDate": datetime(2020, 1, 1, tzinfo=UTC), "EndDate": datetime(2020, 1, 2, tzinfo=UTC)}, []),
    ],
)
def test_filters_choose_the_mails_of_an_export(cloud: LocalCloud, ses: "SESV2Client", filters: Any, found: list[str]):
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    for to in ("bob@gone.test", "al*ce@example.com", "bob@example.com"):
        send(ses, to)
    text, _ = exported(cloud, ses, "JSON", {"MessageInsightsDataSource": span(**filters)})
    assert [row["Destination"] for row in json.loads(text)] == found


def test_metrics_are_exported_by_day_and_dimension(cloud: LocalCloud, ses: "SESV2Client"):
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    for to in ("a@gone.test", "b@example.com", "c@example.com", "d@example.com"):
        send(ses, to, ConfigurationSetName="news")
    send(ses, "e@example.com")
    metrics = [
        {"Name": "SEND", "Aggregation": "VOLUME"},
        {"Name": "PERMANENT_BOUNCE", "Aggregation": "VOLUME"},
        {"Name": "DELIVERY", "Aggregation": "RATE"},
    ]
    source = span(Namespace="VDM", Metrics=metrics, Dimensions={"CONFIGURATION_SET": ["*"]})
    text, job = exported(cloud, ses, "CSV", {"MetricsDataSource": source})
    today = datetime.now(UTC).date().isoformat()
    assert list(csv.reader(io.StringIO(text))) == [
        ["Date", "CONFIGURATION_SET", "SEND_VOLUME", "PERMANENT_BOUNCE_VOLUME", "DELIVERY_RATE"],
        [today, "news", "4", "1", "0.75"],
    ]
    assert job["ExportSourceType"] == "METRICS_DATA"


def test_export_job_is_cancelled_while_it_runs_only(cloud: LocalCloud, ses: "SESV2Client"):
    asked: Any = {"ExportDataSource": {"MessageInsightsDataSource": span()}}
    first = ses.create_export_job(**asked, ExportDestination={"DataFormat": "CSV"})["JobId"]
    assert ses.get_export_job(JobId=first)["JobStatus"] == "CREATED"
    ses.cancel_export_job(JobId=first)
    second = ses.create_export_job(**asked, ExportDestination={"DataFormat": "CSV"})["JobId"]
    cloud.control("POST", "jobs/work")
    listed = {one.get("JobId"): one.get("JobStatus") for one in ses.list_export_jobs()["ExportJobs"]}
    assert listed == {first: "CANCELLED", second: "COMPLETED"}
    assert [one.get("JobId") for one in ses.list_export_jobs(JobStatus="CANCELLED")["ExportJobs"]] == [first]
    with pytest.raises(ses.exceptions.BadRequestException):
        ses.cancel_export_job(JobId=second)
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_import_job(JobId=second)


@pytest.mark.parametrize(
    ("data_format", "content"),
    [
        ("CSV", "bob@example.com,BOUNCE\nalice@example.com,COMPLAINT\nnobody,BOUNCE\ncarol@example.com,BORED\n"),
        (
            "JSON",
            SUPPRESSED,
        ),
    ],
)
def test_addresses_are_put_on_the_suppression_list_from_a_file(
    cloud: LocalCloud, ses: "SESV2Client", s3: Any, data_format: str, content: str
):
    s3.put_object(Bucket="lists", Key="list", Body=content.encode())
    job = imported(cloud, ses, TO_SUPPRESSION, data_format)
    assert (job["JobStatus"], job["ProcessedRecordsCount"], job["FailedRecordsCount"]) == ("COMPLETED", 4, 2)
    found = ses.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert {(one["EmailAddress"], one["Reason"]) for one in found} == {
        ("bob@example.com", "BOUNCE"),
        ("alice@example.com", "COMPLAINT"),
    }
    failed = [json.loads(line) for line in fetched(job["FailureInfo"]["FailedRecordsS3Url"]).splitlines()]
    assert [one["record"]["emailAddress"] for one in failed] == ["nobody", "carol@example.com"]
    assert "Reason" in failed[1]["error"]


def test_import_job_removes_suppressed_addresses(cloud: LocalCloud, ses: "SESV2Client", s3: Any):
    ses.put_suppressed_destination(EmailAddress="bob@example.com", Reason="BOUNCE")
    s3.put_object(Bucket="lists", Key="list", Body=b"bob@example.com\nnobody@example.com\n")
    job = imported(cloud, ses, FROM_SUPPRESSION, "CSV")
    assert (job["ProcessedRecordsCount"], job["FailedRecordsCount"]) == (2, 1)
    assert ses.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []


def test_contacts_come_from_the_files_that_aws_documents(cloud: LocalCloud, ses: "SESV2Client", s3: Any):
    topics: Any = [
        {"TopicName": name, "DisplayName": name, "DefaultSubscriptionStatus": "OPT_OUT"}
        for name in ("Sports", "Cycling")
    ]
    ses.create_contact_list(ContactListName="list", Topics=topics)
    ses.create_contact(ContactListName="list", EmailAddress="example2@example.com", AttributesData="old")
    s3.put_object(
        Bucket="lists",
        Key="list",
        Body=b"emailAddress,unsubscribeAll,attributesData,topicPreferences.Sports,topicPreferences.Cycling\n"
        b'example1@example.com,false,{"Name": "John"},OPT_IN,OPT_OUT\n'
        b"example2@example.com,true,,OPT_OUT,\n"
        b"example3@example.com,false,,MAYBE,\n",
    )
    job = imported(cloud, ses, TO_CONTACTS, "CSV")
    assert (job["JobStatus"], job["ProcessedRecordsCount"], job["FailedRecordsCount"]) == ("COMPLETED", 3, 1)
    first = ses.get_contact(ContactListName="list", EmailAddress="example1@example.com")
    assert (first["AttributesData"], first["UnsubscribeAll"]) == ('{"Name": "John"}', False)
    assert {p["TopicName"]: p["SubscriptionStatus"] for p in first["TopicPreferences"]} == {
        "Sports": "OPT_IN",
        "Cycling": "OPT_OUT",
    }
    second = ses.get_contact(ContactListName="list", EmailAddress="example2@example.com")
    assert (second["UnsubscribeAll"], "AttributesData" in second) == (True, False)
    assert [one.get("JobId") for one in ses.list_import_jobs(ImportDestinationType="CONTACT_LIST")["ImportJobs"]] == [
        job["JobId"]
    ]
    assert ses.list_import_jobs(ImportDestinationType="SUPPRESSION_LIST")["ImportJobs"] == []


@pytest.mark.parametrize(
    ("data_format", "content", "reason"),
    [
        ("JSON", b"bob@example.com,BOUNCE", "The file is not JSON"),
        ("JSON", b"[1]", "every record must be an object"),
        ("CSV", b"\xff\xfe", "not UTF-8"),
        ("CSV", b"a@example.com\n" * 10_001, "10001 records; 10000 are allowed"),
        ("CSV", None, "cannot be read"),
    ],
)
def test_a_file_that_is_none_fails_the_job(
    cloud: LocalCloud, ses: "SESV2Client", s3: Any, data_format: str, content: bytes | None, reason: str
):
    if content:
        s3.put_object(Bucket="lists", Key="list", Body=content)
    job = imported(cloud, ses, FROM_SUPPRESSION, data_format)
    assert (job["JobStatus"], job["ProcessedRecordsCount"]) == ("FAILED", 0)
    assert reason in job["FailureInfo"]["ErrorMessage"]


def test_a_bucket_that_ses_may_not_read_fails_the_job(cloud: LocalCloud, ses: "SESV2Client", s3: Any):
    s3.put_object(Bucket="lists", Key="list", Body=b"bob@example.com,BOUNCE\n")
    s3.delete_bucket_policy(Bucket="lists")
    job = imported(cloud, ses, TO_SUPPRESSION, "CSV")
    assert (job["JobStatus"], job["FailureInfo"]["ErrorMessage"]) == (
        "FAILED",
        "The policy of bucket lists does not let ses.amazonaws.com read list.",
    )


def test_jobs_that_make_no_sense_are_refused(cloud: LocalCloud, ses: "SESV2Client"):
    source: Any = {"S3Url": "s3://lists/list", "DataFormat": "CSV"}
    both: Any = {**TO_SUPPRESSION, **TO_CONTACTS}
    with pytest.raises(ses.exceptions.BadRequestException, match="exactly one"):
        ses.create_import_job(ImportDestination=both, ImportDataSource=source)
    with pytest.raises(ses.exceptions.BadRequestException, match="Contact list <list> does not exist"):
        ses.create_import_job(ImportDestination=TO_CONTACTS, ImportDataSource=source)
    wrong: Any = {"MessageInsightsDataSource": {**span(), "EndDate": datetime(2020, 1, 1, tzinfo=UTC)}}
    with pytest.raises(ses.exceptions.BadRequestException, match="EndDate is before StartDate"):
        ses.create_export_job(ExportDataSource=wrong, ExportDestination={"DataFormat": "CSV"})
    cloud.control("PUT", "account", {"production_access": False})
    with pytest.raises(ses.exceptions.BadRequestException, match="production access"):
        ses.create_import_job(ImportDestination=TO_SUPPRESSION, ImportDataSource=source)


def test_no_more_than_twenty_imports_are_under_way(cloud: LocalCloud, ses: "SESV2Client"):
    source: Any = {"S3Url": "s3://lists/list", "DataFormat": "CSV"}
    for _ in range(20):
        ses.create_import_job(ImportDestination=TO_SUPPRESSION, ImportDataSource=source)
    with pytest.raises(ses.exceptions.LimitExceededException):
        ses.create_import_job(ImportDestination=TO_SUPPRESSION, ImportDataSource=source)
    cloud.control("POST", "jobs/work")
    assert ses.create_import_job(ImportDestination=TO_SUPPRESSION, ImportDataSource=source)["JobId"]
