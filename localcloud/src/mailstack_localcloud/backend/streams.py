"""Firehose inside ministack: records sent to delivery streams."""

import base64
import contextvars
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

# Of the records that ministack remembers of a delivery stream beside delivering them, this many are left to it.
KEPT_RECORDS = 1000
_LOG = logging.getLogger(__name__)


class Streams:
    """The service, in the account and region in scope."""

    def __init__(self, module: Any) -> None:
        self._module = module
        # A function that transforms records may call back here: that must not be on the event loop.
        self._worker = ThreadPoolExecutor(1, "firehose")

    def has(self, arn: str) -> bool:
        """Whether there is such a Firehose delivery stream."""
        stream = cast("dict[str, Any] | None", self._module._streams.get(_last_of(arn)))  # noqa: SLF001
        return stream is not None and stream["arn"] == arn

    def put(self, stream_arn: str, record: bytes) -> None:
        """Hand a record over to a delivery stream, which delivers the records one after the other."""
        data = base64.b64encode(record).decode()
        batch = {"DeliveryStreamName": _last_of(stream_arn), "Records": [{"Data": data}]}
        self._worker.submit(contextvars.copy_context().run, self._put_records, batch)

    def _put_records(self, batch: dict[str, Any]) -> None:
        status, _, body = self._module._put_record_batch(batch)  # noqa: SLF001
        answer = cast("dict[str, Any]", json.loads(body))
        if status != 200 or answer["FailedPutCount"]:  # noqa: PLR2004 - HTTP's own success
            _LOG.warning("Firehose refused a record for %s: %s", batch["DeliveryStreamName"], answer)

    def trim(self) -> None:
        """Keep what is remembered of records bounded."""
        for stream in list(self._module._streams._data.values()):  # noqa: SLF001
            for destination in stream["destinations"]:
                del destination["records"][:-KEPT_RECORDS]

    def close(self) -> None:
        """Deliver no more."""
        self._worker.shutdown(wait=False, cancel_futures=True)


def _last_of(arn: str) -> str:
    return arn.rpartition("/")[2]
