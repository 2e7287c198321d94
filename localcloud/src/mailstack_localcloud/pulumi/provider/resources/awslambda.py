"""AWS Lambda. After internal/service/lambda/{function,event_source_mapping}.go."""

import time
from collections.abc import Callable
from typing import Any, cast

from mailstack_localcloud.pulumi.provider.archive import fingerprint, zip_bytes
from mailstack_localcloud.pulumi.provider.cloud import Cloud, ProviderError
from mailstack_localcloud.pulumi.provider.resource import (
    ARN,
    Allowed,
    Arg,
    Resource,
    Tagging,
    as_set,
    at_least,
    form,
    up_to,
)
from mailstack_localcloud.pulumi.provider.resources._names import from_api, given, to_api
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, is_unknown, obj

_WAIT = 0.1  # seconds between looks
_LOOKS = 1200


def _until(ready: Callable[[], bool], what: str) -> None:
    for _ in range(_LOOKS):
        if ready():
            return
        time.sleep(_WAIT)
    raise ProviderError(f"{what} is not ready after {_WAIT * _LOOKS:.0f} s. Look at its state, then deploy again.")


# --- Function ------------------------------------------------------------------------------------------------------


def _same_code(wanted: Any, actual: Any) -> bool:
    return bool(actual) and wanted.get("hash") == actual.get("hash")


def _hashed(archive: Any) -> Any:
    """With the hash of its content, which some engines leave to the provider."""
    return archive if is_unknown(archive) or archive.get("hash") else {**archive, "hash": fingerprint(archive)}


# A name, or an ARN that ends in one.
_FUNCTION_NAME = form(r"(arn:.+:function:)?[A-Za-z0-9_-]{1,64}(:.+)?", "has letters, digits, - and _, at most 64")
_RUNTIME = form(
    r"(dotnet|dotnetcore|go|java|nodejs|provided|python|ruby)[\w.]*", "is a runtime of Lambda, such as python3.13"
)
_LOGGING: dict[str, Allowed] = {
    "applicationLogLevel": ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
    "logFormat": ("JSON", "Text"),
    "systemLogLevel": ("DEBUG", "INFO", "WARN"),
}
_FUNCTION = {
    "name": Arg("FunctionName", replaces=True, allowed=_FUNCTION_NAME),
    "role": Arg("Role", allowed=ARN),
    "architectures": Arg(keeps=True, allowed=("x86_64", "arm64"), most=1),
    "code": Arg(same=_same_code, normal=_hashed, write_only=True),
    "deadLetterConfig": Arg("DeadLetterConfig", members={"targetArn": ARN}),
    "description": Arg("Description"),
    "environment": Arg(),
    "ephemeralStorage": Arg("EphemeralStorage", keeps=True, members={"size": range(512, 10_241)}),
    "handler": Arg("Handler", allowed=up_to(128, 1)),
    "kmsKeyArn": Arg("KMSKeyArn", allowed=ARN),
    "layers": Arg("Layers", default=[], allowed=ARN, most=5),
    "loggingConfig": Arg("LoggingConfig", keeps=True, members=_LOGGING),
    "memorySize": Arg("MemorySize", default=128, allowed=range(128, 32_769)),
    "packageType": Arg(default="Zip", replaces=True, allowed=("Zip",)),
    "publish": Arg(default=False, write_only=True),
    "reservedConcurrentExecutions": Arg(default=-1, allowed=at_least(-1)),
    "runtime": Arg("Runtime", allowed=_RUNTIME),
    "sourceCodeHash": Arg(keeps=True),
    "timeout": Arg("Timeout", default=3, allowed=range(1, 901)),
    "tracingConfig": Arg("TracingConfig", keeps=True, members={"mode": ("Active", "PassThrough")}),
}
_CODE = {"code", "sourceCodeHash", "architectures"}
_CONFIGURATION = {name for name, arg in _FUNCTION.items() if arg.api and name != "name"} | {"environment"}


def _configuration(wanted: Props) -> dict[str, Any]:
    """What CreateFunction and UpdateFunctionConfiguration share. Empty values are sent, since they remove a setting."""
    request = {
        arg.api: to_api(wanted[name]) for name, arg in _FUNCTION.items() if arg.api and wanted.get(name) is not None
    }
    variables = obj(obj(wanted.get("environment")).get("variables"))
    return {**request, "Environment": {"Variables": variables}}


def _create(cloud: Cloud, wanted: Props) -> str:
    request = given(_configuration(wanted))
    name = wanted["name"]
    cloud.awslambda.create_function(
        **request,
        Code={"ZipFile": zip_bytes(wanted["code"])},
        PackageType="Zip",
        Publish=wanted["publish"],
        Tags=wanted["tags"],
        **given({"Architectures": wanted.get("architectures")}),
    )
    _await_function(cloud, name)
    return str(name)


def _await_function(cloud: Cloud, name: str) -> None:
    def ready() -> bool:
        found = cloud.awslambda.get_function_configuration(FunctionName=name)
        if "Failed" in (found.get("State"), found.get("LastUpdateStatus")):
            reason = found.get("StateReason") or found.get("LastUpdateStatusReason")
            raise ProviderError(f"Lambda function {name} failed: {reason}. Correct its inputs, then deploy again.")
        return found.get("State", "Active") == "Active" and found.get("LastUpdateStatus") != "InProgress"

    _until(ready, f"Lambda function {name}")


def _read(cloud: Cloud, name: str, known: Props) -> Props:
    found = cast("Any", cloud.awslambda.get_function(FunctionName=name))
    configuration, arn = found["Configuration"], found["Configuration"]["FunctionArn"]
    concurrency = found.get("Concurrency", {}).get("ReservedConcurrentExecutions", -1)
    own = {
        key: from_api(configuration[arg.api])
        for key, arg in _FUNCTION.items()
        if configuration.get(arg.api) is not None
    }
    sha, version = configuration["CodeSha256"], configuration.get("Version", "$LATEST")
    # As long as the code is what we uploaded, its hash is reported in the form in which it was given.
    hashed = known.get("sourceCodeHash") if known.get("codeSha256") in (None, sha) else None
    variables = obj(configuration.get("Environment", {}).get("Variables"))
    invoke = f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions"
    return {
        "description": "",
        **own,
        "name": name,
        "arn": arn,
        "architectures": configuration.get("Architectures", ["x86_64"]),
        "codeSha256": sha,
        "environment": {"variables": variables} if variables else {},
        "invokeArn": f"{invoke}/{arn}/invocations",
        "lastModified": configuration.get("LastModified", ""),
        "layers": [layer["Arn"] for layer in configuration.get("Layers", ())],
        "packageType": configuration.get("PackageType", "Zip"),
        "qualifiedArn": f"{arn}:{version}",
        "qualifiedInvokeArn": f"{invoke}/{arn}:{version}/invocations",
        "reservedConcurrentExecutions": concurrency,
        "sourceCodeHash": hashed or sha,
        "sourceCodeSize": configuration.get("CodeSize", 0),
        "version": version,
    }


def _update(cloud: Cloud, name: str, wanted: Props, changed: frozenset[str]) -> None:
    if changed & _CONFIGURATION:
        request: Props = {"Description": "", "KMSKeyArn": "", "Layers": [], "DeadLetterConfig": {}}
        request |= _configuration(wanted)
        cloud.awslambda.update_function_configuration(**request)
        _await_function(cloud, name)
    if changed & _CODE:
        architectures: Any = given({"Architectures": wanted.get("architectures")})
        code = zip_bytes(wanted["code"])
        cloud.awslambda.update_function_code(
            FunctionName=name, ZipFile=code, Publish=wanted["publish"], **architectures
        )
        _await_function(cloud, name)
    if "reservedConcurrentExecutions" in changed:
        count = wanted["reservedConcurrentExecutions"]
        if count >= 0:
            cloud.awslambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=count)
        else:
            cloud.awslambda.delete_function_concurrency(FunctionName=name)


def _function_rules(inputs: Props) -> list[Problem]:
    reason = "required: the local cloud's provider serves functions from a zip"
    return [Problem(name, reason) for name in ("code", "handler", "runtime") if inputs.get(name) is None]


# --- Event source mapping ------------------------------------------------------------------------------------------


def _same_function(wanted: Any, actual: Any) -> bool:
    """By name or by ARN, it is the same function."""
    return str(wanted).rsplit(":", 1)[-1] == str(actual).rsplit(":", 1)[-1]


_MAPPING = {
    "functionName": Arg("FunctionName", same=_same_function),
    "batchSize": Arg("BatchSize"),
    "bisectBatchOnFunctionError": Arg("BisectBatchOnFunctionError", default=False),
    "destinationConfig": Arg("DestinationConfig", members={"onFailure.destinationArn": ARN}),
    "enabled": Arg("Enabled", default=True),
    "eventSourceArn": Arg("EventSourceArn", replaces=True),
    "filterCriteria": Arg("FilterCriteria", same=as_set, members={"filters.pattern": up_to(4096)}),
    "functionResponseTypes": Arg(
        "FunctionResponseTypes", same=as_set, default=[], allowed=("ReportBatchItemFailures",)
    ),
    "maximumBatchingWindowInSeconds": Arg("MaximumBatchingWindowInSeconds", default=0, allowed=range(301)),
    "maximumRecordAgeInSeconds": Arg("MaximumRecordAgeInSeconds", keeps=True),
    "maximumRetryAttempts": Arg("MaximumRetryAttempts", keeps=True, allowed=range(-1, 10_001)),
    "parallelizationFactor": Arg("ParallelizationFactor", keeps=True, allowed=range(1, 11)),
    "scalingConfig": Arg("ScalingConfig", members={"maximumConcurrency": at_least(2)}),
    "startingPosition": Arg("StartingPosition", replaces=True, allowed=("AT_TIMESTAMP", "LATEST", "TRIM_HORIZON")),
}
_RECORD_AGES = range(60, 604_801)
_ON_CREATE_ONLY = {"eventSourceArn", "startingPosition"}
_STREAMS_ONLY = {"bisectBatchOnFunctionError"}
# A batch's size when none is said, https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
_BATCH = {"sqs": 10}
_OTHER_BATCH = 100


def _create_mapping(cloud: Cloud, wanted: Props) -> str:
    values = {name: value for name, value in wanted.items() if name not in _STREAMS_ONLY or value}
    request = {arg.api: to_api(values.get(name)) for name, arg in _MAPPING.items()}
    made = cloud.awslambda.create_event_source_mapping(**given({**request, "Tags": wanted["tags"]}))
    _await_mapping(cloud, made["UUID"])
    return made["UUID"]


def _await_mapping(cloud: Cloud, uuid: str) -> None:
    _until(
        lambda: cloud.awslambda.get_event_source_mapping(UUID=uuid).get("State") in ("Enabled", "Disabled"),
        f"Event source mapping {uuid}",
    )


def _read_mapping(cloud: Cloud, uuid: str, _: Props) -> Props | None:
    found = cast("Any", cloud.awslambda.get_event_source_mapping(UUID=uuid))
    if found.get("State") == "Deleting":
        return None
    own = {key: from_api(found[arg.api]) for key, arg in _MAPPING.items() if found.get(arg.api) is not None}
    arn = found["FunctionArn"]
    modified = found.get("LastModified")
    return {
        "bisectBatchOnFunctionError": False,
        "functionResponseTypes": [],
        "scalingConfig": {},
        "filterCriteria": {},
        **own,
        "arn": found.get("EventSourceMappingArn") or cloud.arn("lambda", f"event-source-mapping:{uuid}"),
        "enabled": found.get("State") in ("Enabled", "Enabling"),
        "functionArn": arn,
        "functionName": arn,
        "lastModified": modified.isoformat() if modified else "",
        "lastProcessingResult": found.get("LastProcessingResult", ""),
        "state": found["State"],
        "stateTransitionReason": found.get("StateTransitionReason", ""),
        "uuid": uuid,
    }


def _update_mapping(cloud: Cloud, uuid: str, wanted: Props, changed: frozenset[str]) -> None:
    request = {_MAPPING[name].api: to_api(wanted.get(name)) for name in changed - _ON_CREATE_ONLY}
    blank: dict[str, Any] = {"FilterCriteria": {}, "ScalingConfig": {}, "DestinationConfig": {}}
    service = str(wanted.get("eventSourceArn", "::")).split(":")[2]
    blank["BatchSize"] = _BATCH.get(service, _OTHER_BATCH)
    sent = {api: blank.get(api) if value is None else value for api, value in request.items()}
    cloud.awslambda.update_event_source_mapping(UUID=uuid, **cast("Any", sent))
    _await_mapping(cloud, uuid)


def _mapping_rules(inputs: Props) -> list[Problem]:
    if inputs.get("eventSourceArn") is None:
        return [Problem("eventSourceArn", "required")]
    age = inputs.get("maximumRecordAgeInSeconds", -1)
    if isinstance(age, int) and age != -1 and age not in _RECORD_AGES:
        return [Problem("maximumRecordAgeInSeconds", f"{age} is not allowed; it is -1, or from 60 to 604800")]
    return []


def _tagging(arn: str) -> Tagging:
    """Lambda tags by ARN; `arn` is the output that holds it."""
    return Tagging(
        read=lambda cloud, state: dict(cloud.awslambda.list_tags(Resource=state[arn]).get("Tags", {})),
        add=lambda cloud, state, tags: cloud.awslambda.tag_resource(Resource=state[arn], Tags=tags),
        remove=lambda cloud, state, keys: cloud.awslambda.untag_resource(Resource=state[arn], TagKeys=keys),
    )


RESOURCES = (
    Resource(
        kind="aws:lambda/function:Function",
        args=_FUNCTION,
        create=_create,
        read=_read,
        update=_update,
        delete=lambda cloud, name, _: cloud.awslambda.delete_function(FunctionName=name),
        computed=(
            "arn",
            "codeSha256",
            "invokeArn",
            "lastModified",
            "qualifiedArn",
            "qualifiedInvokeArn",
            "sourceCodeSize",
            "version",
        ),
        volatile=("codeSha256", "lastModified", "sourceCodeSize"),
        finish=("reservedConcurrentExecutions",),
        auto_name="name",
        tags=_tagging("arn"),
        rules=_function_rules,
    ),
    Resource(
        kind="aws:lambda/eventSourceMapping:EventSourceMapping",
        args=_MAPPING,
        create=_create_mapping,
        read=_read_mapping,
        update=_update_mapping,
        delete=lambda cloud, uuid, _: cloud.awslambda.delete_event_source_mapping(UUID=uuid),
        computed=(
            "arn",
            "functionArn",
            "lastModified",
            "lastProcessingResult",
            "state",
            "stateTransitionReason",
            "uuid",
        ),
        volatile=("lastModified", "state"),
        identity=("functionName", "eventSourceArn"),
        tags=_tagging("arn"),
        rules=_mapping_rules,
    ),
)
