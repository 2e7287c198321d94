"""ministack, which serves every AWS service but SES here: how it is started, and with `iam` the only place inside it.

It is pinned exactly (pyproject.toml) because of this file. Untyped as it is, it is wrapped here once.
"""

import base64
import contextlib
import contextvars
import functools
import json
import logging
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import orjson

from localcloud.confinement import Confinement
from localcloud.iam import complete
from localcloud.persistence import StateFolder, unreadable
from localcloud.unique import unique

if TYPE_CHECKING:
    from localcloud.http import App

# AWS's own documented example credentials; no service here checks them.
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - documented example
ACCOUNT_ID = "000000000000"
# Who signs with one of these, or with none, is the account itself.
_OWN_KEYS = frozenset({"", ACCESS_KEY, ACCOUNT_ID})

# AWS's services publish a point a minute; a day of them is kept.
RESOLUTION = 60
KEPT_POINTS = 1440
# What clients and ministack itself put is kept as it comes, up to this many points a metric.
KEPT_FOREIGN_POINTS = 20_000
# What nobody takes out of a queue: some 300 MB of SES's events.
KEPT_QUEUED = 100_000
# Of the records that ministack remembers of a delivery stream beside delivering them, this many are left to it.
KEPT_RECORDS = 1000
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Point:
    """One stored point of a metric: a statistic set at a time (epoch seconds)."""

    at: float
    count: float
    total: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Queue:
    """How full a queue is; the age of its oldest message in seconds."""

    name: str
    visible: int
    in_flight: int
    delayed: int
    age: float


def environment(endpoint: str, region: str) -> dict[str, str]:
    """What a client needs to talk to the local cloud, and to nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class _Exactly(dict[str, str]):
    """Dimensions that count as given even where there are none."""

    def __bool__(self) -> bool:
        return True


class Backend:
    """ministack in this process. One a process: it keeps its state in modules.

    Args:
        port: The port that this process serves.
        region: The region of whatever names none.
        scratch: A directory for everything that ministack and its Lambda workers write.
        folder: Where state is kept across restarts; None for nowhere.
    """

    def __init__(self, *, port: int, region: str, scratch: str, folder: StateFolder | None = None) -> None:
        self._confinement = Confinement(_environment(port, region, scratch, folder), scratch)
        self._confinement.begin()
        logging.getLogger("ministack").setLevel(os.environ.get("LOCALCLOUD_LOG_LEVEL", "CRITICAL"))
        from ministack import app
        from ministack.core import concurrency, lambda_runtime, responses
        from ministack.services import cloudwatch, eventbridge, firehose, iam, lambda_svc, sns, sqs

        self.app = cast("App", app.app)
        self._application = cast("Any", app)
        self._workers = cast("Any", lambda_runtime)
        self._responses = cast("Any", responses)
        self._cloudwatch = cast("Any", cloudwatch)
        self._sns = cast("Any", sns)
        self._sqs = cast("Any", sqs)
        self._eventbridge = cast("Any", eventbridge)
        self._wake_lambda_pollers = cast("Callable[[], None]", cast("Any", concurrency).esm_wake.set)
        self._firehose = cast("Any", firehose)
        # A function that transforms records may call back here: that must not be on the event loop.
        self._streaming = ThreadPoolExecutor(1, "firehose")
        self.region = region
        self.endpoint = f"http://127.0.0.1:{port}"
        self._match_dimensions_exactly()
        _count_every_invocation(cast("Any", lambda_svc))
        complete(cast("Any", iam))

    def restore(self, folder: StateFolder) -> None:
        """Take over what `save` wrote.

        Raises:
            StateError: A service cannot read its own; nothing was changed in the folder.
        """
        for service, module in self._application._state_map.items():  # noqa: SLF001
            file = folder.aws / f"{service}.json"
            if not file.exists():
                continue
            try:
                kept = self._application.load_state(service)
                self._application._get_module(module).load_persisted_state(kept)  # noqa: SLF001
            except Exception as error:
                raise unreadable(file, error) from error
            if kept is None:
                raise unreadable(file, "it was written by a newer ministack")
        # It would do the same when it starts, and go on without what it cannot read.
        self._application._load_persisted_state = lambda: None  # noqa: SLF001

    def save(self, folder: StateFolder) -> list[str]:
        """Write everything; the services whose state could not be written."""
        began = time.time() - 1
        services = self._application._build_persistence_save_dict()  # noqa: SLF001
        self._application.save_all(services)
        files = {service: folder.aws / f"{service}.json" for service in services}
        return [service for service, file in files.items() if not file.exists() or file.stat().st_mtime < began]

    def reset(self) -> None:
        """Forget everything, stop every Lambda worker."""
        self._application._reset_all_state()  # noqa: SLF001 - its own HTTP route does the same

    def close(self) -> None:
        """Stop the Lambda workers, which are processes of their own, and ministack's threads."""
        self._confinement.end()
        self._streaming.shutdown(wait=False, cancel_futures=True)
        self._workers.reset()

    @contextlib.contextmanager
    def scope(self, account_id: str, region: str) -> Generator[None]:
        """Everything inside happens in that account and region."""
        before = self._responses.get_account_id(), self._responses.get_region()
        self._enter(account_id, region)
        try:
            yield
        finally:
            self._enter(*before)

    def _enter(self, account_id: str, region: str) -> None:
        self._responses.set_request_account_id(account_id)
        self._responses.set_request_region(region)

    # Metrics

    def _match_dimensions_exactly(self) -> None:
        """A metric read without dimensions is the one without dimensions; ministack would add up all of them."""
        from_list = cast("Callable[[object], dict[str, str]]", self._cloudwatch._dims_from_list)  # noqa: SLF001

        def exactly(dimensions: object) -> dict[str, str]:
            return _Exactly(from_list(dimensions))

        self._cloudwatch._dims_from_list = exactly  # noqa: SLF001

    def count(self, namespace: str, metric: str, value: int, dimensions: Mapping[str, str]) -> None:
        """Add to a metric that counts. Within a minute the counts gather in one point."""
        point = self._point(namespace, metric, dimensions)
        statistics = point.setdefault("_stat", {"SampleCount": 0, "Sum": 0, "Minimum": 1, "Maximum": 1})
        statistics["SampleCount"] += value
        statistics["Sum"] += value

    def gauge(self, namespace: str, metric: str, value: float, dimensions: Mapping[str, str]) -> None:
        """Set a metric that measures. Within a minute the newest value stands."""
        self._point(namespace, metric, dimensions)["Value"] = float(value)

    def _point(self, namespace: str, metric: str, dimensions: Mapping[str, str]) -> dict[str, Any]:
        minute = time.time() // RESOLUTION * RESOLUTION
        bucket = self._bucket(namespace, metric, dimensions)
        if not bucket or bucket[-1]["Timestamp"] != minute:
            bucket.append({"Timestamp": minute, "Unit": "None", "Dimensions": dict(dimensions), "Value": 1.0})
            del bucket[:-KEPT_POINTS]
        return bucket[-1]

    def _bucket(self, namespace: str, metric: str, dimensions: Mapping[str, str]) -> list[dict[str, Any]]:
        key = (namespace, metric, self._cloudwatch._dims_key(dimensions))  # noqa: SLF001
        return cast("list[dict[str, Any]]", self._cloudwatch._metric_bucket(key))  # noqa: SLF001

    def points(self, namespace: str, metric: str, dimensions: Mapping[str, str], since: float) -> list[Point]:
        """The points of exactly this metric, since a time in epoch seconds."""
        key = (namespace, metric, self._cloudwatch._dims_key(dimensions))  # noqa: SLF001
        stored = cast("list[dict[str, Any]]", self._cloudwatch._metrics.get(key) or [])  # noqa: SLF001
        recent = [point for point in stored if point["Timestamp"] >= since]
        return [Point(point["Timestamp"], *self._cloudwatch._point_stats(point)) for point in recent]  # noqa: SLF001

    def trim(self) -> None:
        """Keep metrics, queues and remembered records bounded, whoever filled them."""
        for queue in list(self._sqs._queues._data.values()):  # noqa: SLF001
            _bound(queue)
        for bucket in list(self._cloudwatch._metrics._data.values()):  # noqa: SLF001
            del bucket[:-KEPT_FOREIGN_POINTS]
        for stream in list(self._firehose._streams._data.values()):  # noqa: SLF001
            for destination in stream["destinations"]:
                del destination["records"][:-KEPT_RECORDS]

    # Alarms

    def take_over_alarms(
        self, evaluate: Callable[[dict[str, Any]], None], notify: Callable[[dict[str, Any], str, str, str], None]
    ) -> None:
        """Let `evaluate` judge alarms and `notify` carry out their actions.

        ministack's own judgement mixes every dimension of a metric and knows neither periods nor missing data, so that
        an alarm on one queue or configuration set would go off for another's numbers.
        """
        self._cloudwatch._evaluate_alarm = evaluate  # noqa: SLF001
        self._cloudwatch._dispatch_alarm_actions = notify  # noqa: SLF001

    def alarm_scopes(self) -> list[tuple[str, str]]:
        """The (account, region) pairs that have alarms."""
        return sorted({(key[0], key[1]) for key in list(self._cloudwatch._alarms._data)})  # noqa: SLF001

    def alarms(self) -> list[dict[str, Any]]:
        """The metric alarms of the account and region in scope."""
        return list(self._cloudwatch._alarms.values())  # noqa: SLF001

    def change_state(self, alarm: dict[str, Any], state: str, reason: str) -> str:
        """Record an alarm's new state and its history; returns the state it had."""
        before = str(alarm["StateValue"])
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        self._cloudwatch._record_history(alarm["AlarmName"], before, state, reason)  # noqa: SLF001
        return before

    def parents_changed(self, alarm: dict[str, Any]) -> None:
        """Have the composite alarms above an alarm judged again."""
        self._cloudwatch._evaluate_parent_alarms(alarm)  # noqa: SLF001

    # Access keys

    def secret_of(self, access_key: str) -> str | None:
        """The secret of an active access key; None if there is no such key."""
        from ministack.services import iam

        if access_key == ACCESS_KEY:
            return SECRET_KEY
        with self.scope(ACCOUNT_ID, self.region):
            known = cast("dict[str, str] | None", cast("Any", iam)._access_keys.get(access_key))  # noqa: SLF001
        return known["SecretAccessKey"] if known and known["Status"] == "Active" else None

    def denied(
        self, access_key: str, action: str, resources: Iterable[str], context: Mapping[str, object]
    ) -> tuple[str, str] | None:
        """Who signed and the first of the resources that the signer's policies do not allow; None if they allow all.

        Only IAM users and assumed roles have policies. Whoever else signs is taken for the account itself.

        Args:
            access_key: The key that a request is signed with.
            action: E.g. `ses:SendEmail`.
            resources: ARNs, each of which must be allowed.
            context: Condition keys in lower case, e.g. `ses:fromaddress`; a list where a key has many values.
        """
        if access_key in _OWN_KEYS:
            return None
        from ministack.core import iam_evaluator

        iam = cast("Any", iam_evaluator)
        with self.scope(ACCOUNT_ID, self.region):
            signer = iam.resolve_principal(access_key, ACCOUNT_ID)
            if isinstance(signer, iam.AuthError) or signer.policies is None:
                return None
            for resource in resources:
                asked = iam.EvalContext(
                    principal_arn=signer.arn,
                    principal_type=signer.type,
                    principal_account=signer.account,
                    action=action,
                    resource_arn=resource,
                    region=self.region,
                    service_context=dict(context),
                    principal_keys=signer.keys,
                )
                if iam.evaluate(asked, signer.policies, *signer.limits).decision != "Allow":
                    return str(signer.arn), resource
        return None

    def caller(self, access_key: str) -> str:
        """Whoever signed, as SES names them in its events: a user, a role, or `root`."""
        if access_key in _OWN_KEYS:
            return "root"
        from ministack.core import iam_evaluator

        iam = cast("Any", iam_evaluator)
        with self.scope(ACCOUNT_ID, self.region):
            signer = iam.resolve_principal(access_key, ACCOUNT_ID)
        arn = "" if isinstance(signer, iam.AuthError) else str(signer.arn)
        kind, *names = arn.rpartition(":")[2].split("/")
        return names[0 if kind == "assumed-role" else -1] if names else "root"

    def trust_policy(self, role_arn: str) -> str | None:
        """Who may take a role, by its trust policy; None where there is no such role."""
        from ministack.services import iam

        role = cast("dict[str, Any] | None", cast("Any", iam)._roles.get(_last_of(role_arn)))  # noqa: SLF001
        return str(role["AssumeRolePolicyDocument"]) if role and role["Arn"] == role_arn else None

    def role_may(self, role_arn: str, action: str, resource: str) -> bool:
        """Whether a role's policies and boundary allow something."""
        from ministack.core import iam_evaluator
        from ministack.services import iam as iam_service

        iam, roles = cast("Any", iam_evaluator), cast("Any", iam_service)._roles  # noqa: SLF001
        name = _last_of(role_arn)
        policies = iam._gather_role_policies(name, ACCOUNT_ID)  # noqa: SLF001
        boundary = iam._permissions_boundary(roles, name, ACCOUNT_ID)  # noqa: SLF001
        asked = iam.EvalContext(role_arn, "AssumedRole", ACCOUNT_ID, action, resource, self.region)
        return bool(iam.evaluate(asked, policies, *boundary).decision == "Allow")

    # Delivery streams

    def has_stream(self, arn: str) -> bool:
        """Whether there is such a Firehose delivery stream."""
        stream = cast("dict[str, Any] | None", self._firehose._streams.get(_last_of(arn)))  # noqa: SLF001
        return stream is not None and stream["arn"] == arn

    def put_record(self, stream_arn: str, record: bytes) -> None:
        """Hand a record over to a delivery stream, which delivers the records one after the other."""
        data = base64.b64encode(record).decode()
        batch = {"DeliveryStreamName": _last_of(stream_arn), "Records": [{"Data": data}]}
        self._streaming.submit(contextvars.copy_context().run, self._put_records, batch)

    def _put_records(self, batch: dict[str, Any]) -> None:
        status, _, body = self._firehose._put_record_batch(batch)  # noqa: SLF001
        answer = cast("dict[str, Any]", json.loads(body))
        if status != 200 or answer["FailedPutCount"]:  # noqa: PLR2004 - HTTP's own success
            _LOG.warning("Firehose refused a record for %s: %s", batch["DeliveryStreamName"], answer)

    # Topics and queues

    def topic_policy(self, arn: str) -> str | None:
        """A topic's policy; None where there is no such topic."""
        topic = cast("dict[str, Any] | None", self._sns._topics.get(arn))  # noqa: SLF001
        return None if topic is None else str(topic["attributes"].get("Policy") or "")

    def notify_topic(self, arn: str, subject: str, *messages: str) -> None:
        """Deliver messages to a topic's subscribers: to queues at once, otherwise as ministack does it."""
        topic = cast("dict[str, Any]", self._sns._topics.get(arn) or {})  # noqa: SLF001
        subscriptions = cast("list[dict[str, Any]]", topic.get("subscriptions", []))
        if not all(map(_is_plain_queue, subscriptions)):
            for message in messages:
                self._sns._fanout(arn, unique(), message, subject)  # noqa: SLF001
            return
        wrapped = list[str]()
        for subscription in subscriptions:
            if subscription["attributes"].get("RawMessageDelivery") == "true":
                self._enqueue(subscription["endpoint"], messages)
            else:
                wrapped = wrapped or self._wrapped(arn, subject, messages)
                self._enqueue(subscription["endpoint"], wrapped)

    def _wrapped(self, arn: str, subject: str, messages: Sequence[str]) -> list[str]:
        """SNS's envelopes: ministack's own, asked for once, since no more than id and message differ among them."""
        envelope = cast("str", self._sns._build_envelope(arn, "<id>", "<message>", subject, {}, raw=False))  # noqa: SLF001
        before, _, rest = envelope.partition("<id>")
        between, _, after = rest.rpartition('"<message>"')
        return [f"{before}{unique()}{between}{orjson.dumps(one).decode()}{after}" for one in messages]

    def _enqueue(self, queue_arn: str, bodies: Sequence[str]) -> None:
        """What ministack's delivery comes to where no filter, attribute or group is in play.

        It adds what else a message has, its MD5 among it, when somebody receives it.
        """
        queue = cast("dict[str, Any] | None", self._sqs._queue_by_arn(queue_arn))  # noqa: SLF001
        if queue is None:
            return
        now = time.time()
        visible_at = now + cast("int", self._sqs.queue_delay(queue))
        common = {"sent_at": now, "visible_at": visible_at, "receive_count": 0, "receipt_handle": None}
        # One call, which no thread that empties the queue can come between.
        queue["messages"].extend([{"id": unique(), "body": body, **common} for body in bodies])
        _bound(queue)
        self._wake_lambda_pollers()

    def put_event(self, entry: Mapping[str, object]) -> str:
        """Put an event of an AWS service on a bus, which clients may not; why it was refused, empty if it was not."""
        answer = self._eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)  # noqa: SLF001
        results = cast("list[dict[str, str]]", json.loads(answer[2]).get("Entries", [{"ErrorMessage": str(answer[2])}]))
        return results[0].get("ErrorMessage", "")

    def queues(self) -> Iterator[tuple[str, str, Queue]]:
        """Every queue with its account and region."""
        for (account_id, region, _), queue in list(self._sqs._queues._data.items()):  # noqa: SLF001
            self._sqs._refresh_counts(queue)  # noqa: SLF001
            attributes, messages = queue["attributes"], list(queue["messages"])
            oldest = min((message["sent_at"] for message in messages), default=None)
            yield (
                account_id,
                region,
                Queue(
                    name=str(queue["name"]),
                    visible=int(attributes["ApproximateNumberOfMessages"]),
                    in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
                    delayed=int(attributes["ApproximateNumberOfMessagesDelayed"]),
                    age=0.0 if oldest is None else max(0.0, time.time() - oldest),
                ),
            )


def _last_of(arn: str) -> str:
    return arn.rpartition("/")[2]


def _bound(queue: dict[str, Any]) -> None:
    """SQS has no such limit, but this machine's memory has one. The oldest go."""
    over = len(queue["messages"]) - KEPT_QUEUED
    if over > 0:
        del queue["messages"][:over]
        _warn_of_full_queue(str(queue["name"]))


@functools.lru_cache(maxsize=100)
def _warn_of_full_queue(name: str) -> None:
    """Once for each queue."""
    _LOG.error("Queue %s holds %d messages. From here on its oldest are dropped.", name, KEPT_QUEUED)


def _is_plain_queue(subscription: Mapping[str, Any]) -> bool:
    return (
        bool(subscription.get("confirmed"))
        and subscription["protocol"] == "sqs"
        and not subscription["attributes"].get("FilterPolicy")
    )


def _count_every_invocation(functions: Any) -> None:
    """Give event source mappings the AWS/Lambda metrics that ministack keeps for calls of Invoke alone."""
    execute = cast("Callable[..., dict[str, Any]]", functions._execute_function_dispatch)  # noqa: SLF001
    emit = cast("Callable[..., None]", functions._emit_lambda_metrics)  # noqa: SLF001

    def counted(function: object, config: dict[str, Any], event: object, request_id: str, started: float) -> object:
        result = execute(function, config, event, request_id, started)
        milliseconds = (time.time() - started) * 1000
        emit(config.get("FunctionName", ""), milliseconds, error=bool(result.get("error")), throttle=False)
        return result

    def throttles_only(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:
            emit(name, duration_ms, error, throttle)

    functions._execute_function_dispatch = counted  # noqa: SLF001
    functions._emit_lambda_metrics = throttles_only  # noqa: SLF001


def _environment(port: int, region: str, scratch: str, folder: StateFolder | None) -> dict[str, str]:
    """All that ministack and its Lambda workers find in their environment."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **own,
        **environment(f"http://127.0.0.1:{port}", region),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": region,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_STRICT": "0",
        "AUTH": "false",
        "PERSIST_STATE": "1" if folder else "0",
        "STATE_DIR": str(folder.aws) if folder else f"{scratch}/state",
        "S3_PERSIST": "1" if folder else "0",
        "S3_DATA_DIR": str(folder.objects) if folder else f"{scratch}/s3",
        "SERVICES": "",
        # Nothing here needs Docker, SFTP or MQTT, and no other port is to be opened.
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": scratch,
    }
