"""The contract of engines. Subclass `EngineSuite` and give it a `stack_factory`."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

import pytest

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.stack import DeploymentError, Stack


class StackFactory(Protocol):
    """A stack called `dev` of the project in a folder; called again, the same stack goes on."""

    def __call__(
        self, folder: Path, config: Mapping[str, str], secrets: Mapping[str, str] = MappingProxyType({}), /
    ) -> Stack:
        """Give it configuration, some of it secret."""
        ...


CHAIN = """
import pulumi, pulumi_aws as aws
config = pulumi.Config()
topic = aws.sns.Topic("events", name=config.get("topic") or "events", display_name=config.get("shown"))
queue = aws.sqs.Queue("inbox", visibility_timeout_seconds=90)
aws.sns.TopicSubscription("link", topic=topic.arn, protocol="sqs", endpoint=queue.arn)
identity = aws.sesv2.EmailIdentity("domain", email_identity="example.test")
for number in range(3):
    token = identity.dkim_signing_attributes.apply(lambda dkim, number=number: dkim.tokens[number])
    aws.ssm.Parameter(f"token-{number}", name=f"/dkim/{number}", type="String", value=token)
pulumi.export("topic", topic.arn)
pulumi.export("account", aws.get_caller_identity().account_id)
pulumi.export("password", pulumi.Output.secret("open sesame"))
"""
ALL = ("domain", "events", "inbox", "link", "token-0", "token-1", "token-2")
IGNORING = """
import pulumi, pulumi_aws as aws
aws.sesv2.ConfigurationSet(
    "set",
    configuration_set_name="transactional",
    sending_options={"sending_enabled": True},
    delivery_options={"tls_policy": pulumi.Config().get("tls") or "REQUIRE"},
    opts=pulumi.ResourceOptions(ignore_changes=["sendingOptions"]),
)
"""
PROTECTED = """
import pulumi, pulumi_aws as aws
protect = pulumi.Config().get_bool("protect")
aws.sns.Topic("precious", name="precious", opts=pulumi.ResourceOptions(protect=protect))
"""
BROKEN = """
import pulumi, pulumi_aws as aws, json
topic = aws.sns.Topic("first", name="first")
statement = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
role = pulumi.Config().get("role") or "nobody"
aws.iam.RolePolicy("broken", name="inline", role=role, policy=policy, opts=pulumi.ResourceOptions(depends_on=[topic]))
"""
COMPONENT = """
import pulumi, pulumi_aws as aws
class Mail(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("tiny:index:Mail", name, None, opts)
        self.topic = aws.sns.Topic(f"{name}-events", name="events", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})
aws_us = aws.Provider("elsewhere", region="eu-west-1", default_tags={"tags": {"owner": "mail"}})
mail = Mail("mail", pulumi.ResourceOptions(providers=[aws_us]))
pulumi.export("topic", mail.topic.arn)
pulumi.export("tags", mail.topic.tags_all)
"""
MOVED = """
import pulumi, pulumi_aws as aws
class Post(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("tiny:index:Post", name, None, opts)
        self.topic = aws.sns.Topic("new-name", name="events", opts=pulumi.ResourceOptions(
            parent=self, aliases=[pulumi.Alias(name="mail-events")]))
        self.register_outputs({})
aws_us = aws.Provider("elsewhere", region="eu-west-1", default_tags={"tags": {"owner": "mail"}})
mail = Post("mail", pulumi.ResourceOptions(providers=[aws_us], aliases=[pulumi.Alias(type_="tiny:index:Mail")]))
pulumi.export("topic", mail.topic.arn)
"""
IMPORTED = """
import pulumi, pulumi_aws as aws
config = pulumi.Config()
taken = aws.sns.Topic("taken", name=config.get("name") or "adopted", display_name=config.get("shown"),
    opts=pulumi.ResourceOptions(import_=config.get("id")))
known = aws.sns.Topic.get("known", config.require("known"))
aws.ssm.Parameter("named", name="/named", type="String", value=known.display_name)
pulumi.export("shown", known.display_name)
"""
ORDERED = """
import json, pulumi, pulumi_aws as aws
trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
role = aws.iam.Role("role", name="role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
def failed(_):
    raise LookupError("on purpose")
if pulumi.Config().get_bool("fail"):
    role.arn.apply(failed)
else:
    aws.iam.RolePolicy("grant", name="grant", role="role", opts=pulumi.ResourceOptions(depends_on=[role]), policy=
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:B", "Resource": "*"}]}))
"""
LEFT = """
import pulumi, pulumi_aws as aws
kept = aws.sns.Topic("kept", name="kept", opts=pulumi.ResourceOptions(retain_on_delete=True))
again = aws.sns.Topic.get("again", kept.arn)
queue = aws.sqs.Queue("inbox", name="inbox")
options = pulumi.ResourceOptions(deleted_with=kept)
link = aws.sns.TopicSubscription("link", topic=again.arn, protocol="sqs", endpoint=queue.arn, opts=options)
pulumi.export("link", link.arn)
"""
REPLACING = """
import json, pulumi, pulumi_aws as aws
config = pulumi.Config()
seconds = config.get_int("seconds") or 30
queue = aws.sqs.Queue("inbox", name="inbox", visibility_timeout_seconds=seconds, opts=pulumi.ResourceOptions(
    delete_before_replace=True, replace_on_changes=["visibilityTimeoutSeconds"]))
statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Principal": "*", "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
aws.sqs.QueuePolicy("grant", queue_url=queue.url, policy=policy)
aws.ssm.Parameter("address", name="/address", type="String", value=queue.url)
aws.ssm.Parameter("follower", type="String", value="x", opts=pulumi.ResourceOptions(replace_with=[queue]))
aws.ssm.Parameter("triggered", type="String", value="x", opts=pulumi.ResourceOptions(replacement_trigger=str(seconds)))
aws.ssm.Parameter("labelled", type="String", value="x", tags={"round": str(seconds), "other": "x"},
    opts=pulumi.ResourceOptions(replace_on_changes=["tags.round"]))
aws.sns.Topic("ignoring", name="ignoring", tags={"kept": str(seconds), "changed": str(seconds)},
    opts=pulumi.ResourceOptions(ignore_changes=['tags["kept"]']))
aws.sns.Topic("deaf", name="deaf", tags={"kept": str(seconds)}, opts=pulumi.ResourceOptions(ignore_changes=["tags.*"]))
"""
TRANSFORMED = """
import pulumi, pulumi_aws as aws
def owned(args):
    if args.type_ == "aws:sns/topic:Topic":
        return pulumi.ResourceTransformResult({**args.props, "tags": {"owner": "mail"}}, args.opts)
def shown(args):
    if args.type_ == "aws:sns/topic:Topic":
        return pulumi.ResourceTransformResult({**args.props, "displayName": "Events"}, args.opts)
def ignoring(args):
    options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(additional_secret_outputs=["arn"]))
    return pulumi.ResourceTransformResult(args.props, options)
def abroad(args):
    if args.token == "aws:index/getRegion:getRegion":
        return pulumi.InvokeTransformResult({**args.args, "region": "eu-central-1"}, args.opts)
pulumi.runtime.register_resource_transform(owned)
pulumi.runtime.register_invoke_transform(abroad)
class Mail(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("tiny:index:Mail", name, None, opts)
        self.topic = aws.sns.Topic("events", name="events", opts=pulumi.ResourceOptions(
            parent=self, transforms=[ignoring]))
        self.register_outputs({})
mail = Mail("mail", pulumi.ResourceOptions(transforms=[shown]))
pulumi.export("topic", mail.topic.arn)
pulumi.export("region", aws.get_region().region)
"""
CONFIDENTIAL = """
import pulumi, pulumi_aws as aws
key = pulumi.Config().require_secret("key")
parameter = aws.ssm.Parameter("key", name="/key", type="String", value=key, tags={"length": key.apply(len).apply(str)},
    opts=pulumi.ResourceOptions(additional_secret_outputs=["arn"]))
pulumi.export("value", parameter.value)
pulumi.export("tags", parameter.tags)
pulumi.export("arn", parameter.arn)
pulumi.export("name", parameter.name)
pulumi.export("nested", {"open": "x", "closed": key})
"""
HOOKED = """
import json, pathlib, boto3, pulumi, pulumi_aws as aws
config = pulumi.Config()
def note(*words):
    with pathlib.Path(config.require("log")).open("a") as log:
        log.write(" ".join(words) + "\\n")
def before(args):
    note("before", args.name, args.new_inputs["displayName"])
    if args.new_inputs["displayName"] == "Refused":
        raise ValueError("not this name")
def after(args):
    note("after", args.name, args.new_outputs["arn"])
def mend(args):
    note("error", args.name, args.failed_operation)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    boto3.client("iam").create_role(RoleName="late", AssumeRolePolicyDocument=document)
    return True
first, then = pulumi.ResourceHook("first", before), pulumi.ResourceHook("then", after)
gone = pulumi.ResourceHook("gone", lambda args: note("gone", args.name, args.old_outputs["displayName"]))
if not config.get_bool("without"):
    topic = aws.sns.Topic("events", name="events", display_name=config.get("shown") or "Mail",
        opts=pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(
            before_create=[first], after_create=[then], before_update=[first], after_delete=[gone])))
    mending = pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook("mend", mend)])
    statement = {"Effect": "Allow", "Action": "a:B", "Resource": "*"}
    aws.iam.RolePolicy("grant", name="grant", role="late", policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [statement]}),
        opts=pulumi.ResourceOptions(depends_on=[topic], hooks=mending))
"""
SETTLED = """
import pulumi, pulumi_aws as aws
topic = aws.sns.Topic("events", name="events")
there = aws.sns.Topic("there", name="there", region="eu-central-1")
pulumi.export("tags", topic.tags_all)
pulumi.export("regions", [topic.region, there.region, aws.get_region().region])
"""
AFTER = """
import pulumi, pulumi_aws as aws
where = aws.ssm.Parameter("where", name="/where", type="String", insecure_value="eu-west-1")
there = aws.Provider("there", region=where.arn.apply(lambda _: "eu-west-1"))
topic = aws.sns.Topic("events", name="events", opts=pulumi.ResourceOptions(provider=there))
made = aws.sesv2.ConfigurationSet("receipts", configuration_set_name="receipts")
found = aws.sesv2.get_configuration_set_output(configuration_set_name=made.configuration_set_name)
pulumi.export("set", found.arn)
aws.ssm.Parameter("id", type="String", value=topic.id.apply(lambda arn: arn.rsplit(":", 1)[1]))
pulumi.export("region", aws.get_region_output(opts=pulumi.InvokeOptions(provider=there)).region)
"""
PASTED = """
import pulumi, pulumi_aws as aws
trust = aws.iam.get_policy_document(statements=[{
    "principals": [{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}], "actions": ["sts:AssumeRole"]}])
role = aws.iam.Role("handler", assume_role_policy=trust.json)
grant = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}]}
aws.iam.RolePolicy("send", role=role.id, policy=grant)
user = aws.iam.User("mailer", path="/mail/")
aws.iam.UserPolicy("raw", user=user.name, policy=grant)
code = pulumi.AssetArchive({"main.py": pulumi.StringAsset("def handle(event, context): return 1")})
handler = aws.lambda_.Function("handler", role=role.arn, runtime="python3.13", handler="main.handle", code=code)
topic = aws.sns.Topic("events")
aws.lambda_.Permission("sns", action="lambda:InvokeFunction", function=handler.name, principal="sns.amazonaws.com",
    source_arn=topic.arn)
publish = aws.iam.get_policy_document_output(statements=[{
    "sid": "Ses", "actions": ["sns:Publish"], "resources": [topic.arn],
    "principals": [{"type": "Service", "identifiers": ["ses.amazonaws.com"]}],
    "conditions": [{"test": "StringEquals", "variable": "AWS:SourceAccount", "values": ["000000000000"]}]}])
aws.sns.TopicPolicy("publish", arn=topic.arn, policy=publish.json)
zone = aws.route53.Zone("zone", name="example.test", tags={"team": "mail"})
aws.route53.Record("www", zone_id=zone.zone_id, name="www", type="A", ttl=300, records=["192.0.2.1"])
aws.sesv2.ContactList("readers", contact_list_name="readers", topics=[
    {"topic_name": "news", "display_name": "News", "default_subscription_status": "OPT_IN"}])
identity = aws.sesv2.EmailIdentity("sender", email_identity="example.test")
aws.sesv2.EmailIdentityPolicy("senders", email_identity=identity.email_identity, policy_name="senders",
    policy=aws.iam.get_policy_document_output(statements=[{"actions": ["ses:SendEmail"], "resources": [identity.arn],
        "principals": [{"type": "AWS", "identifiers": ["000000000000"]}]}]).json)
aws.kms.Alias("mail", target_key_id=aws.kms.Key("mail").key_id)
pulumi.export("servers", zone.name_servers)
"""
STRUCK = """
import os, signal, pulumi, pulumi_aws as aws
first = aws.sesv2.ConfigurationSet("first", configuration_set_name="first")
def name(_):
    if pulumi.Config().get_bool("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    return "second"
aws.sesv2.ConfigurationSet("second", configuration_set_name=first.arn.apply(name))
"""
FAILING = 'raise LookupError("no such thing")\n'
MISSPELT = """
import pulumi_aws as aws
aws.sesv2.ConfigurationSet("set", configuration_set_name="x", delivery_options={"tlsPolice": "REQUIRE"})
"""


def write(folder: Path, program: str) -> Path:
    """A project with one program."""
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n", encoding="utf-8")
    (folder / "__main__.py").write_text(program, encoding="utf-8")
    return folder


def topics(cloud: LocalCloud, region: str = "us-east-1") -> set[str]:
    """The names of the topics that are there."""
    found = cloud.client("sns", region=region).list_topics()["Topics"]
    return {topic["TopicArn"].rsplit(":", 1)[-1] for topic in found}


class EngineSuite:
    """The same results, whichever engine."""

    @pytest.fixture
    def stack_factory(self, cloud: LocalCloud) -> StackFactory:
        """To be given by each engine's tests."""
        raise NotImplementedError

    def test_a_stack_from_its_first_preview_to_its_end(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        folder = write(tmp_path / "project", CHAIN)
        stack = stack_factory(folder, {})
        preview = stack.preview()
        assert preview.names == {"create": ALL}
        assert topics(cloud) == set()
        assert stack.up() == preview
        assert topics(cloud) == {"events"}
        topic = stack.outputs["topic"]
        assert topic == "arn:aws:sns:us-east-1:000000000000:events"
        assert (stack.outputs["account"], stack.outputs["password"]) == ("000000000000", "open sesame")
        second = stack.up()
        assert (second.any, second.same) == (False, len(ALL))
        assert not stack.refresh().any
        changed = stack_factory(folder, {"tiny:shown": "Events"})
        assert changed.up().names == {"update": ("events",)}
        attributes = cloud.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
        assert attributes["DisplayName"] == "Events"
        assert stack.up().names == {"update": ("events",)}  # the input is gone, and with it the name that is shown
        assert cloud.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"].get("DisplayName", "") == ""
        assert stack.destroy().names == {"delete": ALL}
        assert topics(cloud) == set()
        assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []
        assert cloud.client("ssm").describe_parameters()["Parameters"] == []

    def test_refresh_notices_and_repairs_drift(self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path):
        stack = stack_factory(write(tmp_path / "project", CHAIN), {})
        stack.up()
        cloud.client("sns").delete_topic(TopicArn=stack.outputs["topic"])
        url = cloud.client("sqs").list_queues()["QueueUrls"][0]
        cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
        found = stack.refresh()
        assert set(found.names["delete"]) >= {"events"}
        assert found.names["update"] == ("inbox",)
        mended = stack.up()
        assert mended.names["update"] == ("inbox",)
        assert set(mended.names["create"]) == set(found.names["delete"])
        attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["VisibilityTimeout"] == "90"
        assert topics(cloud) == {"events"}

    def test_replacement_includes_dependents_and_deletes_the_removed(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        folder = write(tmp_path / "project", CHAIN)
        stack_factory(folder, {}).up()
        write(folder, CHAIN.replace("range(3)", "range(1)"))
        stack = stack_factory(folder, {"tiny:topic": "others"})
        wanted = {"replace": ("events", "link"), "delete": ("token-1", "token-2")}
        assert stack.preview().names == wanted
        assert topics(cloud) == {"events"}
        assert stack.up().names == wanted
        assert topics(cloud) == {"others"}
        links = cloud.client("sns").list_subscriptions()["Subscriptions"]
        assert [link["TopicArn"].rsplit(":", 1)[-1] for link in links] == ["others"]
        assert not stack.up().any

    def test_stream_paused_by_the_guard_stays_paused(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        folder = write(tmp_path / "project", IGNORING)
        stack_factory(folder, {}).up()
        ses = cloud.client("sesv2")
        ses.put_configuration_set_sending_options(ConfigurationSetName="transactional", SendingEnabled=False)
        changed = stack_factory(folder, {"tiny:tls": "OPTIONAL"})
        assert changed.up().names == {"update": ("set",)}
        found = ses.get_configuration_set(ConfigurationSetName="transactional")
        assert found["SendingOptions"]["SendingEnabled"] is False
        assert found["DeliveryOptions"]["TlsPolicy"] == "OPTIONAL"
        changed.refresh()
        assert not changed.up().any

    def test_a_protected_resource_is_not_deleted(self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path):
        folder = write(tmp_path / "project", PROTECTED)
        stack = stack_factory(folder, {"tiny:protect": "true"})
        stack.up()
        with pytest.raises(DeploymentError, match="precious"):
            stack.destroy()
        write(folder, "import pulumi\n")
        with pytest.raises(DeploymentError, match="precious"):
            stack_factory(folder, {}).up()
        assert topics(cloud) == {"precious"}
        write(folder, PROTECTED)
        stack_factory(folder, {"tiny:protect": "false"}).up()
        assert stack_factory(folder, {}).destroy().names == {"delete": ("precious",)}

    def test_a_failure_names_the_resource_and_keeps_what_was_made(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        folder = write(tmp_path / "project", BROKEN)
        stack = stack_factory(folder, {})
        with pytest.raises(DeploymentError, match=r"(?s)broken.*NoSuchEntity"):
            stack.up()
        assert topics(cloud) == {"first"}
        who = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        trust = {"Version": "2012-10-17", "Statement": [who]}
        cloud.client("iam").create_role(RoleName="somebody", AssumeRolePolicyDocument=json.dumps(trust))
        mended = stack_factory(folder, {"tiny:role": "somebody"}).up()
        assert (mended.names, mended.same) == ({"create": ("broken",)}, 1)

    def test_components_providers_and_aliases(self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path):
        folder = write(tmp_path / "project", COMPONENT)
        stack = stack_factory(folder, {})
        assert stack.up().names == {"create": ("mail-events",)}
        assert topics(cloud, "eu-west-1") == {"events"}
        assert stack.outputs["tags"] == {"owner": "mail"}
        write(folder, MOVED)
        moved = stack_factory(folder, {})
        assert not moved.up().any
        assert moved.outputs["topic"] == "arn:aws:sns:eu-west-1:000000000000:events"
        assert moved.destroy().names == {"delete": ("new-name",)}
        assert topics(cloud, "eu-west-1") == set()

    def test_existing_resource_is_imported_or_read(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        sns = cloud.client("sns")
        taken, known = (sns.create_topic(Name=name)["TopicArn"] for name in ("adopted", "known"))
        sns.set_topic_attributes(TopicArn=known, AttributeName="DisplayName", AttributeValue="Known")
        folder = write(tmp_path / "project", IMPORTED)
        others = {"tiny:known": known}
        importing = stack_factory(folder, {**others, "tiny:id": taken, "tiny:shown": "Ours"})
        wanted = {"import": ("taken",), "update": ("taken",), "create": ("named",)}
        assert importing.preview().names == wanted
        assert importing.up().names == wanted
        assert importing.outputs["shown"] == "Known"
        assert sns.get_topic_attributes(TopicArn=taken)["Attributes"]["DisplayName"] == "Ours"
        assert not importing.up().any
        with pytest.raises(DeploymentError, match=r"(?s)taken.*import"):
            stack_factory(folder, {**others, "tiny:id": taken, "tiny:name": "renamed"}).up()
        with pytest.raises(DeploymentError, match=r"(?s)taken.*:nothing"):
            stack_factory(folder, {**others, "tiny:id": taken.replace("adopted", "nothing")}).up()
        forgetting = stack_factory(folder, {**others, "tiny:shown": "Ours"})
        assert not forgetting.up().any
        assert forgetting.destroy().names == {"delete": ("named", "taken")}
        assert topics(cloud) == {"known"}

    def test_dependents_are_deleted_first_after_any_failure(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        folder = write(tmp_path / "project", ORDERED)
        stack = stack_factory(folder, {})
        stack.up()
        with pytest.raises(DeploymentError, match="on purpose"):
            stack_factory(folder, {"tiny:fail": "true"}).up()
        assert stack.destroy().names == {"delete": ("grant", "role")}
        assert cloud.client("iam").list_roles()["Roles"] == []

    def test_retained_and_deleted_with_resources_are_forgotten(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        stack = stack_factory(write(tmp_path / "project", LEFT), {})
        assert stack.preview().names == {"create": ("inbox", "kept", "link")}
        stack.up()
        link = stack.outputs["link"]
        assert stack.destroy().names == {"delete": ("inbox", "kept", "link")}
        assert topics(cloud) == {"kept"}
        assert [each["SubscriptionArn"] for each in cloud.client("sns").list_subscriptions()["Subscriptions"]] == [link]
        assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []

    def test_replace_and_ignore_changes_options(self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path):
        folder = write(tmp_path / "project", REPLACING)
        stack_factory(folder, {}).up()
        before = {one["Name"] for one in cloud.client("ssm").describe_parameters()["Parameters"]}
        stack = stack_factory(folder, {"tiny:seconds": "60"})
        wanted = {"replace": ("follower", "grant", "inbox", "labelled", "triggered"), "update": ("ignoring",)}
        assert stack.up().names == wanted
        url = cloud.client("sqs").list_queues()["QueueUrls"][0]
        attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert (attributes["VisibilityTimeout"], "Policy" in attributes) == ("60", True)
        after = {one["Name"] for one in cloud.client("ssm").describe_parameters()["Parameters"]}
        assert (len(after), before & after) == (4, {"/address"})
        arn = "arn:aws:sns:us-east-1:000000000000:ignoring"
        tags = cloud.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"kept": "30", "changed": "60"}
        assert not stack.up().any

    def test_transforms_change_what_the_program_asks_for(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        stack = stack_factory(write(tmp_path / "project", TRANSFORMED), {})
        assert stack.up().names == {"create": ("events",)}
        topic = str(stack.outputs["topic"])
        assert cloud.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "Events"
        tags = cloud.client("sns").list_tags_for_resource(ResourceArn=topic)["Tags"]
        assert tags == [{"Key": "owner", "Value": "mail"}]
        assert stack.outputs["region"] == "eu-central-1"
        assert stack.secrets == {"topic"}

    def test_a_secret_stays_one_wherever_it_goes(self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path):
        folder = write(tmp_path / "project", CONFIDENTIAL)
        stack = stack_factory(folder, {}, {"tiny:key": "open sesame"})
        stack.up()
        assert stack.secrets == {"value", "tags", "arn"}
        assert (stack.outputs["value"], stack.outputs["nested"]) == (
            "open sesame",
            {"open": "x", "closed": "open sesame"},
        )
        assert cloud.client("ssm").get_parameter(Name="/key")["Parameter"]["Value"] == "open sesame"
        assert not stack.up().any

    def test_hooks_run_around_steps_and_may_have_one_tried_again(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        folder, log = write(tmp_path / "project", HOOKED), tmp_path / "log"
        assert stack_factory(folder, {"tiny:log": str(log)}).up().names == {"create": ("events", "grant")}
        assert cloud.client("iam").list_role_policies(RoleName="late")["PolicyNames"] == ["grant"]
        with pytest.raises(DeploymentError, match=r"(?s)events.*not this name"):
            stack_factory(folder, {"tiny:log": str(log), "tiny:shown": "Refused"}).up()
        left = stack_factory(folder, {"tiny:log": str(log), "tiny:without": "true"})
        assert left.up().names == {"delete": ("events", "grant")}
        assert log.read_text().splitlines() == [
            "before events Mail",
            "after events arn:aws:sns:us-east-1:000000000000:events",
            "error grant create",
            "before events Refused",
            "gone events Mail",
        ]

    def test_registry_examples_deploy_and_destroy(self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path):
        stack = stack_factory(write(tmp_path / "project", PASTED), {})
        preview = stack.preview()
        assert stack.up() == preview
        assert len(cast("list[str]", stack.outputs["servers"])) == 4
        assert not stack.up().any
        assert not stack.refresh().any
        assert stack.destroy().delete == preview.create
        assert cloud.client("route53").list_hosted_zones()["HostedZones"] == []

    def test_another_configuration_of_the_provider_holds_at_once(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        folder = write(tmp_path / "project", SETTLED)
        first, tagged, moved = (
            {"aws:region": region, "aws:defaultTags": json.dumps({"tags": {"stage": stage}})}
            for region, stage in (("us-east-1", "dev"), ("us-east-1", "prod"), ("eu-west-1", "prod"))
        )
        stack_factory(folder, first).up()
        stack = stack_factory(folder, tagged)
        assert stack.preview().names == {"update": ("events", "there")}
        assert stack.up().names == {"update": ("events", "there")}
        assert stack.outputs["tags"] == {"stage": "prod"}
        stack = stack_factory(folder, moved)
        assert stack.up().names == {"replace": ("events", "there")}
        assert stack.outputs["regions"] == ["eu-west-1", "eu-central-1", "eu-west-1"]
        assert (topics(cloud), topics(cloud, "eu-west-1")) == (set(), {"events"})

    def test_update_resumes_after_a_killed_program(self, stack_factory: StackFactory, tmp_path: Path):
        folder = write(tmp_path / "project", STRUCK)
        with pytest.raises(DeploymentError):
            stack_factory(folder, {"tiny:kill": "true"}).up()
        stack = stack_factory(folder, {})
        assert (stack.refresh().names, stack.up().names) == ({}, {"create": ("second",)})
        assert stack.destroy().names == {"delete": ("first", "second")}

    def test_providers_and_functions_with_unknown_inputs(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path
    ):
        stack = stack_factory(write(tmp_path / "project", AFTER), {})
        wanted = {"create": ("events", "id", "receipts", "where")}
        assert stack.preview().names == wanted
        assert stack.up().names == wanted
        assert str(stack.outputs["set"]).endswith(":configuration-set/receipts")
        assert (topics(cloud, "eu-west-1"), stack.outputs["region"]) == ({"events"}, "eu-west-1")
        assert not stack.up().any

    @pytest.mark.parametrize("operation", ["GetConfigurationSet", "DeleteConfigurationSet"])
    def test_update_resumes_after_a_failing_service(
        self, stack_factory: StackFactory, cloud: LocalCloud, tmp_path: Path, operation: str
    ):
        stack = stack_factory(write(tmp_path / "project", STRUCK), {})
        deletes = operation.startswith("Delete")
        if deletes:
            stack.up()
        failing = pytest.raises(DeploymentError, match=r"(?s)(first|second).*InternalFailure")
        with cloud.fault("error", operation=operation, code="InternalFailure", status=500), failing:
            (stack.destroy if deletes else stack.up)()
        if not deletes:
            assert stack.up().names == {"create": ("first", "second")}
        assert stack.destroy().names == {"delete": ("first", "second")}
        assert cloud.client("sesv2").list_configuration_sets().get("ConfigurationSets", []) == []

    @pytest.mark.parametrize(
        ("program", "said"), [(FAILING, "no such thing"), (MISSPELT, "tlsPolice")], ids=["raises", "misspelt"]
    )
    def test_error_of_a_program_is_reported(self, stack_factory: StackFactory, tmp_path: Path, program: str, said: str):
        stack = stack_factory(write(tmp_path / "project", program), {})
        with pytest.raises(DeploymentError, match=said):
            stack.preview()
