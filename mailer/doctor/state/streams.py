"""The streams: which send, which are paused, and by whom."""

from typing import TYPE_CHECKING

from mailer.doctor.checks.paging import KINDS, alarms_found
from mailer.doctor.state.row import row
from mailer.errors import StoreError
from mailer.stack import critical_alarm
from mailer.stores.dynamodb.pauses import DynamoDBPauses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site
    from mailer.doctor.state.row import Row

PART = "streams"


def streams(site: "Site") -> "Iterator[Row]":
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSet.html."""
    for name, stream in site.outputs.streams.items():
        found = site.read("sesv2", "get_configuration_set", ConfigurationSetName=stream.configuration_set)
        if found["SendingOptions"]["SendingEnabled"]:
            yield row(PART, f"stream {name}", "sends", sends=True)
            continue
        by = paused_by(site, name)
        then = f"remove the cause, then: mailer resume {name} --stack {site.outputs.stack}"
        yield row(PART, f"stream {name}", f"paused by {by}" if by else "paused", then, sends=False, by=by)


def paused_by(site: "Site", stream: str) -> str:
    """Who paused a stream; empty where nobody knows."""
    found = alarms_found(site)
    names = [critical_alarm(stream, kind) for kind in KINDS]
    ringing = [name for name in names if found.get(name, {}).get("StateValue") == "ALARM"]
    guard = f"the guard ({', '.join(ringing)} in ALARM)" if ringing else ""
    return "; ".join(filter(None, (_person(site, stream), guard)))


def _person(site: "Site", stream: str) -> str:
    """Who paused it with `mailer pause`."""
    try:
        last = DynamoDBPauses(site.outputs.table, site.client("dynamodb")).newest(stream)
    except StoreError:  # the rest of the row is worth showing
        return ""
    return f"{last.actor}, {last.at:%Y-%m-%d %H:%M} UTC: {last.why}" if last and last.is_pause else ""
