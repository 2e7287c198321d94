"""SES counts what a stream does, as CloudWatch metrics of its configuration set. Its rates come by themselves."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.alarms import SET_DIMENSION

# What alarms and the dashboard look at. Each is a custom metric, which AWS bills by the month.
COUNTED = ("SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE")


class Counting(pulumi.ComponentResource):
    """An event destination that counts: SES has counts of its own for the whole account alone.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-cloudwatch.html

    Args:
        name: The stream's name.
        configuration_set: The stream's configuration set.
        value: Its name, for mail that lost its tag; SES asks for a value.
    """

    def __init__(
        self,
        name: str,
        configuration_set: aws.sesv2.ConfigurationSet,
        *,
        value: str,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:counting:Counting", name, None, opts)
        aws.sesv2.ConfigurationSetEventDestination(
            f"{name}-counts",
            configuration_set_name=configuration_set.configuration_set_name,
            event_destination_name="counts",
            event_destination={
                "enabled": True,
                "matching_event_types": list(COUNTED),
                "cloud_watch_destination": {
                    "dimension_configurations": [
                        {
                            # SES tags every mail with it.
                            "dimension_name": SET_DIMENSION,
                            "dimension_value_source": "MESSAGE_TAG",
                            "default_dimension_value": value,
                        }
                    ]
                },
            },
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})
