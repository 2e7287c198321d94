"""The streams: configuration sets, whether they send, and whether their events reach the topic."""

from typing import TYPE_CHECKING, Any

from mailer.doctor.check import Check, Problem
from mailer.doctor.inconclusive import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site

_PAGE = "docs/guides/feedback.md"
# Without one of these a bounce or complaint is never heard of.
NEEDED = frozenset({"BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE", "DELIVERY_DELAY"})


def _set(site: "Site", stream: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSet.html."""
    name = site.outputs.streams[stream].configuration_set
    words = f"The configuration set {name}"
    return site.owned("streams", words, "sesv2", "get_configuration_set", ConfigurationSetName=name)


def _streams(site: "Site") -> "Iterator[Problem]":
    for stream in site.outputs.streams:
        try:
            found = _set(site, stream)
        except Missing as missing:
            yield Problem(f"{missing}.", f"deploy the stack: pulumi up --stack {site.outputs.stack} --refresh")
            continue
        if found.get("SuppressionOptions", {}).get("SuppressedReasons") == []:
            yield Problem(
                f"SES's own suppression list is off for the stream {stream}.",
                f"pulumi up --stack {site.outputs.stack} --refresh",
                warning=True,
            )


def _paused(site: "Site") -> "Iterator[Problem]":
    for stream in site.outputs.streams:
        if not _set(site, stream)["SendingOptions"]["SendingEnabled"]:
            yield Problem(
                f"The stream {stream} is paused: SES refuses its mail.",
                f"remove the cause, then: mailer resume {stream} --stack {site.outputs.stack}",
            )


def _events(site: "Site") -> "Iterator[Problem]":
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSetEventDestinations.html."""
    again = f"pulumi up --stack {site.outputs.stack} --refresh"
    for stream, each in site.outputs.streams.items():
        _set(site, stream)
        found = site.read(
            "sesv2", "get_configuration_set_event_destinations", ConfigurationSetName=each.configuration_set
        )["EventDestinations"]
        ours = [one for one in found if one.get("SnsDestination", {}).get("TopicArn") == site.outputs.events_topic_arn]
        enabled = {kind for one in ours if one.get("Enabled") for kind in one["MatchingEventTypes"]}
        if not ours:
            yield Problem(f"The stream {stream} has no event destination for the topic.", again)
        elif missing := sorted(NEEDED - enabled):
            yield Problem(f"The stream {stream} does not publish {', '.join(missing)}.", again)


CHECKS = (
    Check("streams", "A stream is a configuration set of SES.", "docs/reference/infrastructure.md", _streams),
    Check(
        "paused", "The guard or a person pauses a stream that harms the account.", "docs/guides/monitoring.md", _paused
    ),
    Check("event-destinations", "Without events, bounces remain unknown.", _PAGE, _events),
)
