"""What the move needs beside the shop: the stack, deployed to the local cloud with the settings that were written."""

import json
from pathlib import Path
from typing import Any, cast

import yaml

from mailer import StackOutputs
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack

from .walk import STACK

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "example.test"


def deploy(cloud: LocalCloud, settings: Path, state: Path) -> StackOutputs:
    """Deploy the stack, as `pulumi up` does, and confirm the subscription of the person who is paged.

    Args:
        cloud: Where.
        settings: The `Pulumi.local.yaml` that `mailer migrate --write` wrote.
        state: The file that remembers the stack.
    """
    cloud.client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="shop")
    written = cast("dict[str, Any]", yaml.safe_load(settings.read_text()))["config"]
    config = {key: value if isinstance(value, str) else json.dumps(value) for key, value in written.items()}
    stack = InProcessStack(ROOT, STACK, config=config, environment=cloud.environment(), state=state)
    stack.up()
    outputs = StackOutputs.model_validate(stack.outputs["outputs"])
    pager = cloud.client("sqs").create_queue(QueueName="pager")["QueueUrl"].rpartition("/")[2]
    arn = f"arn:aws:sqs:{outputs.region}:{outputs.account_id}:{pager}"
    cloud.client("sns").subscribe(TopicArn=outputs.paging_topic_arn, Protocol="sqs", Endpoint=arn)
    return outputs
