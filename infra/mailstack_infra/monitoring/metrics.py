"""Counts of a stream's events, as CloudWatch metrics of its configuration set. SES publishes the rates by itself."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.monitoring.definitions import SET_DIMENSION
from mailstack_infra.settings.events import in_order
from mailstack_infra.settings.metrics import Dimension, Metrics

# The events of alarms and the dashboard. Each is a custom metric, which AWS bills by the month.
COUNTED = ("SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE")


class Counting(pulumi.ComponentResource):
    """Event destinations that count: by configuration set for alarms, and by the dimensions of the settings.

    SES's own counts are for the whole account only.
    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-cloudwatch.html

    Args:
        name: The stream's name.
        configuration_set: The stream's configuration set.
        value: The set's name, for mail without the tag; SES requires a default.
    """

    def __init__(
        self,
        name: str,
        settings: Metrics,
        configuration_set: aws.sesv2.ConfigurationSet,
        *,
        value: str,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:counting:Counting", name, None, opts)
        self._configuration_set = configuration_set
        # SES tags every mail with its configuration set.
        by_set = {SET_DIMENSION: Dimension(source="MESSAGE_TAG", default=value)}
        self._count(f"{name}-counts", "counts", COUNTED, by_set)
        if settings.dimensions:
            self._count(f"{name}-metrics", "metrics", settings.events, settings.dimensions)
        self.register_outputs({})

    def _count(self, key: str, name: str, events: Sequence[str], dimensions: Mapping[str, Dimension]) -> None:
        aws.sesv2.ConfigurationSetEventDestination(
            key,
            configuration_set_name=self._configuration_set.configuration_set_name,
            event_destination_name=name,
            event_destination={
                "enabled": True,
                "matching_event_types": in_order(events),
                "cloud_watch_destination": {
                    "dimension_configurations": [
                        {
                            "dimension_name": dimension,
                            "dimension_value_source": found.source,
                            "default_dimension_value": found.default,
                        }
                        for dimension, found in dimensions.items()
                    ]
                },
            },
            opts=ResourceOptions(parent=self),
        )
