"""Lambda inside ministack: the metrics that it lacks."""

import time
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable


def count_every_invocation(functions: Any) -> None:
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
