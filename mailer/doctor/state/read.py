"""Reads the whole state at once, and ends in time. Not for printing."""

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from mailer.doctor.run import refusal
from mailer.doctor.state.account import account, rate
from mailer.doctor.state.feedback import alarms, queues, subscriptions
from mailer.doctor.state.identity import PART, identity
from mailer.doctor.state.row import Row, Standing
from mailer.doctor.state.streams import streams
from mailer.redaction import mask_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mailer.doctor.site import Site

    Reader = Callable[[Site], Iterator[Row]]

# Seconds for all questions together.
TIME_LIMIT = 8.0
# In the order in which mail needs them: the part, the thing, and who reads it.
_READERS: "tuple[tuple[str, str, Reader], ...]" = (
    (PART, "identity", identity),
    ("account", "account", account),
    ("account", "rate", rate),
    ("streams", "streams", streams),
    ("feedback", "subscriptions", subscriptions),
    ("feedback", "queues", queues),
    ("alarms", "alarms", alarms),
)


def read(site: "Site") -> list[Row]:
    """Every row. The state of what AWS does not tell is unknown."""
    pool = ThreadPoolExecutor(len(_READERS))
    started = [pool.submit(_rows, reader, site) for reader in _READERS]
    wait(started, TIME_LIMIT)
    pool.shutdown(wait=False, cancel_futures=True)
    late = f"it took longer than {TIME_LIMIT:.0f} s"
    found = zip(started, _READERS, strict=True)
    return [row for one, reader in found for row in (one.result() if one.done() else [_unknown(reader, late)])]


def _rows(reader: "tuple[str, str, Reader]", site: "Site") -> list[Row]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return list(reader[2](site))
    except ClientError as error:
        return [_unknown(reader, refusal(error))]
    except BotoCoreError as error:
        return [_unknown(reader, mask_all(str(error)))]


def _unknown(reader: "tuple[str, str, Reader]", why: str) -> Row:
    part, what, _ = reader
    return Row(part, what, f"unknown: {why}", standing=Standing.UNKNOWN)


def is_verified(rows: "Sequence[Row]") -> bool:
    """Whether SES has verified the identity, DKIM and MAIL FROM."""
    ours = [row for row in rows if row.part == PART]
    return bool(ours) and all(row.values.get("verified") for row in ours)
