"""The component with options of every kind, deployed by a program of one's own to a region other than its own."""

from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack

pytestmark = pytest.mark.integration
REGION = "eu-west-1"
INFRA = Path(__file__).resolve().parents[3] / "infra"
PROGRAM = """
import sys

sys.path.append("INFRA")  # as if it were installed

import pulumi
import pulumi_aws as aws
from mailstack_infra import MailStack, Settings


def priced(args):
    if "tags" not in args.props:
        return None
    tags = {**args.props["tags"], "cost": "mail"}
    return pulumi.ResourceTransformResult(props={**args.props, "tags": tags}, opts=args.opts)


mail = MailStack(
    "mail",
    Settings(domain="example.com", page=("oncall@example.com",), protect=False),
    stack="shop-dev",
    opts=pulumi.ResourceOptions(
        parent=pulumi.ComponentResource("shop:index:Shop", "shop"),
        provider=aws.Provider("abroad", region="eu-west-1"),
        transforms=[priced],
    ),
)
pulumi.export("outputs", mail.exports["outputs"])
""".replace("INFRA", str(INFRA))


def test_component_uses_the_given_provider_and_keeps_aliases(tmp_path: Path):
    project = tmp_path / "shop"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    program = project / "__main__.py"
    program.write_text(PROGRAM)
    with LocalCloud.start(region=REGION) as cloud:
        cloud.client("route53").create_hosted_zone(Name="example.com", CallerReference="component")
        config = {"aws:region": "us-east-1"}
        stack = InProcessStack(
            project, "dev", state=tmp_path / "state.json", config=config, environment=cloud.environment()
        )
        assert stack.up().create > 50

        outputs = stack.outputs["outputs"]
        assert isinstance(outputs, dict)
        topic = f"arn:aws:sns:{REGION}:000000000000:mailstack-shop-dev-events"
        assert (outputs["region"], outputs["events_topic_arn"]) == (REGION, topic)
        tags = cloud.client("sns").list_tags_for_resource(ResourceArn=topic)["Tags"]
        assert {"Key": "cost", "Value": "mail"} in tags
        assert (project / ".build" / "feedback.zip").is_file()

        aliases = 'aliases=[pulumi.Alias(name="mail")],'
        program.write_text(PROGRAM.replace('"mail",', '"post",').replace("transforms=", f"{aliases} transforms="))
        assert not stack.up().any
