"""Workers: queues, dead-letter queues, functions and the table."""

import ast
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from mailer.functions.variables import GUARDED, STACK
from mailer.stores.base import ProcessedEvent
from mailer.stores.dynamodb.events import DynamoDBEvents
from mailer.table import EVENTS
from tests.unit.infra.options import BULK, everywhere, listed
from tests.unit.infra.program import ROOT, run
from tests.unit.lambdas.records import handler


@pytest.mark.parametrize(
    ("worker", "topic"), [("feedback", "events"), ("sending-guard", "guard"), ("account-monitor", "pagers")]
)
def test_every_worker_has_a_dead_letter_queue(worker: str, topic: str):
    deployment = run("prod")
    queue, dlq = deployment.one("Queue", worker), deployment.one("Queue", f"{worker}-dlq")
    assert json.loads(queue.inputs["redrivePolicy"]) == {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": 5}
    allow = deployment.one("RedriveAllowPolicy", f"{worker}-dlq").inputs
    assert json.loads(allow["redriveAllowPolicy"]) == {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
    assert dlq.inputs["messageRetentionSeconds"] > queue.inputs["messageRetentionSeconds"]

    subscription = deployment.one("TopicSubscription", worker)
    assert subscription.inputs["topic"] == deployment.one("Topic", topic).arn
    assert (subscription.inputs["protocol"], subscription.inputs["endpoint"]) == ("sqs", queue.arn)
    assert json.loads(subscription.inputs["redrivePolicy"]) == {"deadLetterTargetArn": dlq.arn}
    for each in (queue, dlq):
        assert deployment.one("QueuePolicy", each.name).urn in subscription.depends_on
        sends = deployment.policy("QueuePolicy", each.name)["TopicSends"]
        source = sends["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert (sends["Resource"], source) == (each.arn, subscription.inputs["topic"])


@everywhere
def test_every_delivery_has_a_dlq_that_takes_it(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    policies = {r.arn: deployment.policy("QueuePolicy", r.name) for r in deployment.of("Queue")}
    rules = {rule.inputs["name"]: rule.arn for rule in deployment.of("EventRule")}
    deliveries = [
        *(
            ("TopicSends", each.inputs["topic"], json.loads(each.inputs["redrivePolicy"])["deadLetterTargetArn"])
            for each in deployment.of("TopicSubscription")
        ),
        *(
            ("RuleSends", rules[each.inputs["rule"]], arn)
            for each in deployment.of("EventTarget")
            for arn in (each.inputs["deadLetterConfig"]["arn"], each.inputs["arn"])
        ),
    ]
    assert len(deliveries) >= 2
    for sid, source, queue in deliveries:
        assert source in listed(policies[queue][sid]["Condition"]["ArnEquals"]["aws:SourceArn"])


@everywhere
def test_eventbridge_publishes_to_no_topic_and_uses_no_key(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    let_in = {
        resource.token.rpartition(":")[2]
        for resource in deployment.aws
        for key in ("policy", "assumeRolePolicy")
        if "events.amazonaws.com" in str(resource.inputs.get(key))
    }
    assert let_in <= {"QueuePolicy"}
    sent_to = {target.inputs[key] for target in deployment.of("EventTarget") for key in ("arn",)}
    encrypted = {queue.arn for queue in deployment.of("Queue") if queue.inputs.get("kmsMasterKeyId")}
    assert sent_to & encrypted == set()
    assert {arn.split(":")[2] for arn in sent_to} <= {"sqs"}


@pytest.mark.parametrize("worker", ["feedback", "sending-guard", "account-monitor"])
def test_a_worker_polls_after_its_policy_and_reports_failures(worker: str):
    deployment = run("prod")
    function, queue = deployment.one("Function", worker), deployment.one("Queue", worker)
    mapping = deployment.one("EventSourceMapping", worker)
    assert mapping.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (mapping.inputs["eventSourceArn"], mapping.inputs["functionName"]) == (queue.arn, function.arn)
    assert deployment.one("RolePolicy", worker).urn in mapping.depends_on
    assert queue.inputs["visibilityTimeoutSeconds"] >= 6 * function.inputs["timeout"]


def test_functions_run_the_built_zips_and_have_log_retention():
    deployment = run("prod")
    for worker in ("feedback", "sending-guard"):
        function, group = deployment.one("Function", worker), deployment.one("LogGroup", worker)
        assert group.inputs["name"] == f"/aws/lambda/{function.inputs['name']}"
        assert group.inputs["retentionInDays"] == 365
        assert group.urn in function.depends_on
        assert (function.inputs["runtime"], function.inputs["architectures"]) == ("python3.13", ["arm64"])
        assert function.inputs["handler"] == "handler.handle"
        assert function.inputs["code"]["path"].startswith(str(ROOT / ".build"))
        assert "reservedConcurrentExecutions" not in function.inputs


@pytest.mark.parametrize(
    ("name", "source"),
    [("feedback", "feedback"), ("sending-guard", "sending_guard"), ("account-monitor", "account_monitor")],
)
def test_a_functions_environment_is_what_its_handler_reads(name: str, source: str):
    given = run("prod").one("Function", name).inputs["environment"]["variables"]
    assert set(given) == variables_read(handler(source))


def variables_read(module: ModuleType) -> set[str]:
    """The names that a module looks up in `os.environ`, as its own names have them."""
    tree = ast.parse(Path(str(module.__file__)).read_text())
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ"
    ]
    assert found
    assert ast.unparse(tree).count("os.environ") == len(found), "the environment is read by subscripts alone"
    return {eval(ast.unparse(node.slice), vars(module)) for node in found}  # noqa: S307 - the repository's own code


def test_the_guards_environment_names_the_streams_it_pauses():
    guard = run("prod", streams=BULK).one("Function", "sending-guard").inputs["environment"]["variables"]
    assert (guard[STACK], guard[GUARDED]) == ("prod", "transactional,bulk")


def test_the_tables_keys_are_those_that_the_stores_write():
    table = run("prod").one("Table", "store").inputs
    written: list[dict[str, Any]] = []

    class Api:
        def call(self, operation: str, request: Any) -> dict[str, Any]:
            written.extend(action["Put"]["Item"] for action in request["TransactItems"] if "Put" in action)
            return {}

    recent = datetime.now(UTC)
    event = ProcessedEvent(
        key="e",
        kind="Bounce",
        outcome="suppressed",
        detail="",
        recipient="",
        message_id="",
        simulator=False,
        occurred_at=recent,
        expires_at=recent + timedelta(days=1),
        counts_as="",
    )
    DynamoDBEvents("store", cast("Any", Api())).record(event)
    (item,) = written
    assert {table["hashKey"], table["rangeKey"], table["ttl"]["attributeName"]} <= item.keys()
    assert item[table["hashKey"]] == {"S": f"{EVENTS}e"}


def test_concurrency_is_bounded_where_the_queue_is_polled():
    deployment = run("prod", functionConcurrency=5)
    mappings = deployment.of("EventSourceMapping")
    assert [mapping.inputs["scalingConfig"] for mapping in mappings] == [{"maximumConcurrency": 5}] * 3
    assert not [mapping for mapping in run("prod").of("EventSourceMapping") if "scalingConfig" in mapping.inputs]
    # AWS refuses to reserve any in an account whose limit is 10.
    assert not [r for r in deployment.of("Function") if "reservedConcurrentExecutions" in r.inputs]


def test_the_table_forgets_on_time_and_can_be_restored():
    inputs = run("prod").one("Table", "store").inputs
    assert (inputs["hashKey"], inputs["rangeKey"], inputs["billingMode"]) == ("pk", "sk", "PAY_PER_REQUEST")
    assert inputs["ttl"] == {"attributeName": "expires_at", "enabled": True}
    assert inputs["pointInTimeRecovery"] == {"enabled": True}
    assert {attribute["name"] for attribute in inputs["attributes"]} == {"pk", "sk"}
