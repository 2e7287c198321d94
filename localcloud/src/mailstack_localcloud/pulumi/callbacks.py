"""Calls back into a running program, which serves its functions to the engine. The untyped edge of gRPC ends here."""

import threading
from typing import Any, cast

import grpc
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc

_ANSWER = 300.0  # seconds for one call


class CallbackError(RuntimeError):
    """The program's function raised: the message is its own."""


class Callbacks:
    """The functions of one program. Thread-safe: the engine calls from many threads at once."""

    def __init__(self) -> None:
        self._stubs: dict[str, Any] = {}
        self._lock = threading.Lock()

    def call(self, callback: callback_pb2.Callback, request: Any) -> bytes:
        """Call a function with a message, and answer with the bytes of its answer.

        Raises:
            CallbackError: It raised.
        """
        asked = callback_pb2.CallbackInvokeRequest(token=callback.token, request=request.SerializeToString())
        try:
            return cast("bytes", self._stub(callback.target).Invoke(asked, timeout=_ANSWER).response)
        except grpc.RpcError as error:
            raise CallbackError(str(cast("Any", error).details())) from error

    def _stub(self, target: str) -> Any:
        with self._lock:
            if target not in self._stubs:
                self._stubs[target] = callback_pb2_grpc.CallbacksStub(grpc.insecure_channel(target))
            return self._stubs[target]
