"""A shop's own program: the role that its web service runs as, and mail that this role may send."""

import json

import pulumi
import pulumi_aws as aws

from mailstack_infra import MailStack, Settings, StreamSettings

config = pulumi.Config()
stack = pulumi.get_stack()

mail = MailStack(
    "mail",
    Settings(
        domain=config.require("domain"),
        page=(config.require("page"),),
        # Offers have their own stream, so that complaints about them do not pause receipts.
        streams={"transactional": StreamSettings(), "offers": StreamSettings(minimum_sends=1000)},
        protect=stack == "prod",
        tags={"team": "shop"},
    ),
    # Other projects of the account have a stack of this name, too.
    stack=f"shop-{stack}",
)

web = aws.iam.Role(
    "web",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    ),
)
aws.iam.RolePolicyAttachment("web-sends-mail", role=web.name, policy_arn=mail.sender_policy_arn)

pulumi.export("web_role", web.name)
pulumi.export("sender_policy", mail.sender_policy_arn)
# For the service's environment: with MAILSTACK_OUTPUTS set, the library does not call Systems Manager.
pulumi.export("mailstack_outputs", mail.outputs_json)
