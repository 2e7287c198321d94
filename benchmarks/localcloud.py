"""How fast the local cloud is: sends a second with events on and off, bulk, start, memory; peers beside it.

    python -m benchmarks.localcloud [--messages 5000] [--runs 3] [--json]
    python -m benchmarks.localcloud --soak 200000

The load comes from a process of its own (`load.py`). A run with events on ends when the last event lies in an SQS
queue, and what lies there is counted. Read ratios: another machine, or a busy one, has other numbers.
"""

import argparse
import dataclasses
import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.load import Load, Report
from benchmarks.measure import Server, median, show

_ACCOUNT = "000000000000"
_REGION = "us-east-1"
_BULK = 50
_CONNECTIONS = 8
# hypercorn, which serves ministack alone, closes a connection after a thousand requests.
_PEERS_MESSAGES = 700 * _CONNECTIONS
_START_SECONDS = 60.0
_EVENTS = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY"]
_HEADERS = {
    "Content-Type": "application/json",
    "Authorization": f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/{_REGION}/ses/aws4_request, "
    "SignedHeaders=host, Signature=0",
}
_PARTS = {"subject": "Hello", "text": "Hello, world. " * 20, "html": "<p>Hello, world.</p>" * 40}


def single(configuration_set: str) -> dict[str, Any]:
    """SendEmail: text and HTML, one recipient, one tag."""
    body = {name: {"Data": _PARTS[name.lower()], "Charset": "UTF-8"} for name in ("Text", "Html")}
    return {
        "FromEmailAddress": "Ada Lovelace <ada@example.com>",
        "Destination": {"ToAddresses": ["grace@example.org"]},
        "Content": {"Simple": {"Subject": {"Data": _PARTS["subject"], "Charset": "UTF-8"}, "Body": body}},
        "EmailTags": [{"Name": "template", "Value": "welcome"}],
        **({"ConfigurationSetName": configuration_set} if configuration_set else {}),
    }


def bulk(configuration_set: str) -> dict[str, Any]:
    """SendBulkEmail: 50 different mails through an inline template."""
    template = {"Subject": "{{subject}}", "Text": "{{text}}", "Html": "{{html}}"}
    return {
        "FromEmailAddress": "Ada Lovelace <ada@example.com>",
        "DefaultContent": {"Template": {"TemplateContent": template, "TemplateData": "{}"}},
        "BulkEmailEntries": [
            {
                "Destination": {"ToAddresses": [f"grace+{i}@example.org"]},
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {"ReplacementTemplateData": json.dumps({**_PARTS, "subject": f"Hello {i}"})}
                },
            }
            for i in range(_BULK)
        ],
        "ConfigurationSetName": configuration_set,
    }


class Cloud:
    """A server that speaks AWS, set up for sending."""

    def __init__(self, server: Server, endpoint: str) -> None:
        self.server = server
        self._endpoint = endpoint

    def client(self, service: str) -> Any:
        return boto3.client(  # pyright: ignore[reportCallIssue, reportUnknownVariableType] - the service is a variable
            service,  # pyright: ignore[reportArgumentType]
            endpoint_url=self._endpoint,
            region_name=_REGION,
            aws_access_key_id=_ACCOUNT,
            aws_secret_access_key="benchmark",  # noqa: S106 - nothing checks it
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
        )

    def control(self, method: str, path: str, body: dict[str, object] | None = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self._endpoint}/_localcloud/{path}"
        request = urllib.request.Request(url, data=data, method=method)  # noqa: S310 - http on loopback
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310

    def send(self, path: str, body: dict[str, Any], requests: int) -> Report:
        """Load the server from another process."""
        load = Load(f"{self._endpoint}/v2/email/{path}", _HEADERS, json.dumps(body), requests, _CONNECTIONS)
        said = subprocess.run(
            [sys.executable, Path(__file__).with_name("load.py")],
            input=json.dumps(dataclasses.asdict(load)) + "\n",
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return Report(**json.loads(said.stdout))


def local_cloud() -> Cloud:
    server = Server([sys.executable, "-m", "mailstack_localcloud", "--json"])
    cloud = Cloud(server, json.loads(server.first_line())["endpoint"])
    cloud.control("PUT", "account", {"max_send_rate": -1.0, "max_24_hour_send": -1.0})
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.com")
    cloud.control("POST", "identities/example.com/verify")
    return cloud


def peer(command: list[str], variable: str) -> Cloud:
    """Another server on a free port, which it takes from a variable of its environment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(command, {variable: str(port), "BIND_HOST": "127.0.0.1"})
    end = time.perf_counter() + _START_SECONDS
    while time.perf_counter() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.01)
    server.ready()
    cloud = Cloud(server, f"http://127.0.0.1:{port}")
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.com")
    cloud.client("ses").verify_email_identity(EmailAddress="ada@example.com")
    return cloud


def with_events(cloud: Cloud) -> str:
    """A configuration set whose events go to a topic and from there to a queue; the queue's URL."""
    sns, sqs, ses = cloud.client("sns"), cloud.client("sqs"), cloud.client("sesv2")
    topic = sns.create_topic(Name="events")["TopicArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish"}
    condition = {"StringEquals": {"AWS:SourceAccount": _ACCOUNT}}
    policy = {"Statement": [{**allow, "Resource": topic, "Condition": condition}]}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
    queue = sqs.create_queue(QueueName="events", Attributes=_open_to_sns("events"))["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:events")
    ses.create_configuration_set(ConfigurationSetName="on")
    destination = {"Enabled": True, "MatchingEventTypes": _EVENTS, "SnsDestination": {"TopicArn": topic}}
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="on", EventDestinationName="topic", EventDestination=destination
    )
    return str(queue)


def rate(cloud: Cloud, path: str, body: dict[str, Any], messages: int, queue: str = "") -> dict[str, float]:
    """One run: messages a second until everything that follows is done, CPU microseconds of the server a message."""
    per_request = len(body.get("BulkEmailEntries", [0]))
    requests = max(messages // per_request, 1)
    sent = requests * per_request
    cpu = cloud.server.cpu_seconds()
    report = cloud.send(path, body, requests)
    assert not report.failed, f"{report.failed} of {requests} failed: {report.sample}"
    drained = time.perf_counter()
    if queue:
        cloud.control("POST", "events/drain")
    seconds = report.seconds + time.perf_counter() - drained
    cpu = cloud.server.cpu_seconds() - cpu
    if queue:
        _check_and_empty(cloud, queue, 2 * sent)
    return {"a second": sent / seconds, "CPU µs each": cpu / sent * 1e6, "MB": cloud.server.megabytes()}


def _check_and_empty(cloud: Cloud, queue: str, expected: int) -> None:
    """Each mail has a Send and a Delivery; the first run also finds what SES sent to test the topic."""
    sqs = cloud.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    arrived = int(found["ApproximateNumberOfMessages"])
    assert expected <= arrived <= expected + 1, f"{arrived} events of {expected} arrived"
    sqs.purge_queue(QueueUrl=queue)


def through_boto3(cloud: Cloud, messages: int) -> dict[str, float]:
    """The same mail as an application sends it; the client's CPU is most of it."""
    client, request = cloud.client("sesv2"), single("on")
    cpu, started = cloud.server.cpu_seconds(), time.perf_counter()
    for _ in range(messages):
        client.send_email(**request)
    seconds, cpu = time.perf_counter() - started, cloud.server.cpu_seconds() - cpu
    return {"a second": messages / seconds, "CPU µs each": cpu / messages * 1e6, "MB": cloud.server.megabytes()}


def starts(runs: int) -> dict[str, float]:
    """From the command to the line that says it is ready, and the memory then."""
    rows: list[dict[str, float]] = []
    for _ in range(runs):
        with Server([sys.executable, "-m", "mailstack_localcloud", "--json"]) as server:
            server.first_line()
            rows.append({"seconds": server.start_seconds, "MB": server.megabytes()})
    return median(rows)


def ours(messages: int, runs: int) -> dict[str, dict[str, float]]:
    cloud = local_cloud()
    with cloud.server:
        cloud.client("sesv2").create_configuration_set(ConfigurationSetName="off")
        queue = with_events(cloud)
        rate(cloud, "outbound-emails", single("off"), messages // 2)  # warm
        cases = {
            "SendEmail, events to SNS → SQS": ("outbound-emails", single("on"), queue),
            "SendEmail, no events": ("outbound-emails", single("off"), ""),
            "SendBulkEmail, events to SNS → SQS": ("outbound-bulk-emails", bulk("on"), queue),
            "SendBulkEmail, no events": ("outbound-bulk-emails", bulk("off"), ""),
        }
        taken = {
            name: median([rate(cloud, path, body, messages, to) for _ in range(runs)])
            for name, (path, body, to) in cases.items()
        }
        taken["SendEmail through boto3, events on"] = through_boto3(cloud, messages // 4)
        return taken


def theirs(cloud: Cloud, messages: int, runs: int) -> dict[str, float]:
    messages = min(messages, _PEERS_MESSAGES)
    with cloud.server:
        rate(cloud, "outbound-emails", single(""), messages // 10)
        return median([rate(cloud, "outbound-emails", single(""), messages) for _ in range(runs)])


def soak(messages: int) -> dict[str, dict[str, float]]:
    """Memory after each tenth of many mails; their events go to a queue that is emptied and to one that never is."""
    cloud, rows = local_cloud(), dict[str, dict[str, float]]()
    with cloud.server:
        queue = with_events(cloud)
        sns = cloud.client("sns")
        cloud.client("sqs").create_queue(QueueName="never-emptied", Attributes=_open_to_sns("never-emptied"))
        never = f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:never-emptied"
        sns.subscribe(TopicArn=sns.create_topic(Name="events")["TopicArn"], Protocol="sqs", Endpoint=never)
        for tenth in range(1, 11):
            rate(cloud, "outbound-emails", single("on"), messages // 100, queue)
            row = rate(cloud, "outbound-bulk-emails", bulk("on"), messages // 10, queue)
            rows[f"{messages * tenth // 10:,} bulk mails"] = row
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.localcloud")
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--soak", type=int, default=0, metavar="MESSAGES", help="only watch the memory")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.soak:
        show("Memory", soak(arguments.soak), as_json=arguments.json)
        return
    rows = ours(arguments.messages, arguments.runs)
    ministack = [sys.executable, "-m", "ministack"]
    rows["ministack alone, SendEmail"] = theirs(peer(ministack, "GATEWAY_PORT"), arguments.messages, arguments.runs)
    best = rows["SendEmail, no events"]["a second"]
    shown = {name: {**row, "of ours": row["a second"] / best} for name, row in rows.items()}
    show("Sends", shown, as_json=arguments.json)
    show("Start", {"localcloud": starts(arguments.runs)}, as_json=arguments.json)


def _open_to_sns(name: str) -> dict[str, str]:
    """The attributes of a queue that topics may send to."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:{name}",
    }
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


if __name__ == "__main__":
    main()
