"""Lambda inside ministack: the metrics and limits that it lacks, and the roles that functions run with."""

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, cast

from mailstack_localcloud.backend.access import Access
from mailstack_localcloud.backend.credentials import ACCOUNT_ID
from mailstack_localcloud.backend.grants import LAMBDA
from mailstack_localcloud.backend.policies import Source, allows
from mailstack_localcloud.backend.signed import Authorizer

if TYPE_CHECKING:
    from collections.abc import Callable

_Answer = tuple[int, dict[str, str], bytes]
_MOST_ENVIRONMENT_BYTES = 4096
# What polling takes: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
_POLLS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


class Lives:
    """Which state of the local cloud an invocation began in: after a reset, earlier ones no longer count."""

    def __init__(self) -> None:
        self.current = 0

    def end(self) -> None:
        """The state is another one from now on."""
        self.current += 1


def count_every_invocation(functions: Any, lives: Lives) -> None:
    """Give event source mappings the AWS/Lambda metrics that ministack keeps for calls of Invoke alone."""
    execute = cast("Callable[..., dict[str, Any]]", functions._execute_function_dispatch)  # noqa: SLF001
    emit = cast("Callable[..., None]", functions._emit_lambda_metrics)  # noqa: SLF001

    def counted(function: object, config: dict[str, Any], event: object, request_id: str, started: float) -> object:
        life = lives.current
        result = execute(function, config, event, request_id, started)
        if life != lives.current:
            return result
        milliseconds = (time.time() - started) * 1000
        emit(config.get("FunctionName", ""), milliseconds, error=bool(result.get("error")), throttle=False)
        return result

    def throttles_only(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:
            emit(name, duration_ms, error, throttle)

    functions._execute_function_dispatch = counted  # noqa: SLF001
    functions._emit_lambda_metrics = throttles_only  # noqa: SLF001


def limit_environments(functions: Any) -> None:
    """Refuse environments over 4 KB, as Lambda does when a function is created or its configuration changes.

    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """

    def limited(handle: "Callable[..., _Answer]") -> "Callable[..., _Answer]":
        def checked(*arguments: Any) -> _Answer:
            environment = cast("dict[str, Any]", arguments[-1].get("Environment") or {})
            measured = json.dumps(environment.get("Variables") or {}, separators=(",", ":"), ensure_ascii=False)
            if len(measured.encode()) > _MOST_ENVIRONMENT_BYTES:
                # As people quote it in public reports.
                message = (
                    "Lambda was unable to configure your environment variables because the environment variables you "
                    f"have provided exceeded the 4KB limit. String measured: {measured}"
                )
                return cast("_Answer", functions._invalid_parameter_value(message))  # noqa: SLF001
            return handle(*arguments)

        return checked

    functions._create_function = limited(functions._create_function)  # noqa: SLF001
    functions._update_config = limited(functions._update_config)  # noqa: SLF001


class Roles:
    """The execution roles of functions: they sign what functions ask for, and poll their queues.

    A function whose role does not exist runs as the account itself, so that a function can be tried without one.
    """

    def __init__(self, functions: Any, runtime: Any, sessions: Any, access: Access, authorizer: Authorizer) -> None:
        self._functions, self._sessions = functions, sessions
        self._access, self._authorizer = access, authorizer
        self._as_account = cast("Callable[[dict[str, Any]], dict[str, str]]", runtime.execution_credentials)
        functions.execution_credentials = runtime.execution_credentials = self._credentials
        self._concurrency = cast("Callable[..., int]", functions._sqs_esm_concurrency)  # noqa: SLF001
        functions._sqs_esm_concurrency = self._polls  # noqa: SLF001
        self._create_mapping = cast("Callable[[dict[str, Any]], _Answer]", functions._create_esm)  # noqa: SLF001
        functions._create_esm = self._created_mapping  # noqa: SLF001
        self._create = cast("Callable[[dict[str, Any]], _Answer]", functions._create_function)  # noqa: SLF001
        functions._create_function = self._created  # noqa: SLF001

    def _credentials(self, config: dict[str, Any]) -> dict[str, str]:
        """Credentials for a function's environment: keys of its role's session."""
        role, name = str(config.get("Role", "")), str(config.get("FunctionName", ""))[:64]
        session = self._access.role(role, name)
        if session is None:
            return self._as_account(config)
        digest = hashlib.sha256(f"{config.get('FunctionArn', '')}:{role}".encode()).hexdigest()
        key, secret, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest[24:]
        kept = {"Arn": session.arn, "UserId": f"{name}:{name}", "SecretAccessKey": secret, "SessionToken": token}
        self._sessions.register_session(key, kept)
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    def _polls(self, mapping: dict[str, Any], function: dict[str, Any], config: Any, queue: Any = None) -> int:
        """How many batches of a queue may be in work at once: none while the role may not take them."""
        role = self._role_of(function)
        may = role is None or not self._poll_problem(role, str(mapping["EventSourceArn"]))
        return self._concurrency(mapping, function, config, queue) if may else 0

    def _created_mapping(self, data: dict[str, Any]) -> _Answer:
        """CreateEventSourceMapping, which tests that the role may poll the queue."""
        arn = str(data.get("EventSourceArn", ""))
        known, _, problem = self._functions._resolve_existing_esm_function(data.get("FunctionName", ""))  # noqa: SLF001
        function = None if problem else cast("dict[str, Any] | None", self._functions._functions.get(known))  # noqa: SLF001
        role = self._role_of(function) if function and ":sqs:" in arn else None
        denied = self._poll_problem(role, arn) if role else ""
        if denied:
            # As terraform-provider-aws knows it: internal/service/lambda/event_source_mapping.go.
            return self._refuse(f"The provided execution role does not have permissions to call {denied} on SQS")
        return self._create_mapping(data)

    def _created(self, data: dict[str, Any]) -> _Answer:
        """CreateFunction, which tests that Lambda may take the role."""
        role = str(data.get("Role", ""))
        trust = self._access.trust_policy(role)
        source = Source(
            LAMBDA, f"arn:aws:lambda:{self._access.region}:{ACCOUNT_ID}:function:{data.get('FunctionName')}"
        )
        if trust is not None and not allows(
            trust, action="sts:AssumeRole", resource=role, context=source.context(), service=LAMBDA
        ):
            # As terraform-provider-aws knows it: internal/service/lambda/function.go.
            return self._refuse("The role defined for the function cannot be assumed by Lambda.")
        return self._create(data)

    def _role_of(self, function: dict[str, Any]) -> Any:
        config = cast("dict[str, Any]", function.get("config") or function)
        return self._access.role(str(config.get("Role", "")), str(config.get("FunctionName", ""))[:64])

    def _poll_problem(self, role: Any, queue_arn: str) -> str:
        """The first action on the queue that the role lacks, without its prefix."""
        refusals = (self._authorizer.refusal(role, action, queue_arn, {}) for action in _POLLS)
        refusal = next(filter(None, refusals), None)
        return refusal.action.partition(":")[2] if refusal else ""

    def _refuse(self, message: str) -> _Answer:
        return cast("_Answer", self._functions._invalid_parameter_value(message))  # noqa: SLF001
