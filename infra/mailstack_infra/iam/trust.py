"""Trust policies: who may assume each role of the stack. Pure functions that return JSON.

Not for the permissions of a role (`statements.py`). Conditions that AWS documents prevent the confused-deputy problem:
https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from collections.abc import Sequence

from mailstack_infra.iam.statements import Condition, Statement, document


def ses(account_id: str, configuration_set_arn: str) -> str:
    """SES may assume the role for one configuration set of our account.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-firehose.html
    """
    ours = {"AWS:SourceAccount": account_id, "AWS:SourceArn": configuration_set_arn}
    return _service("SesPublishesEvents", "ses", {"StringEquals": ours})


def functions(account_id: str) -> str:
    """Lambda may assume the role for functions of our account."""
    return _service("LambdaRuns", "lambda", {"StringEquals": {"aws:SourceAccount": account_id}})


def tasks(account_id: str, cluster_arns: str) -> str:
    """ECS may assume the role for tasks of our account in this region.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html

    Args:
        account_id: The account.
        cluster_arns: The pattern of the ARNs that ECS passes, `arn:aws:ecs:<region>:<account>:*`.
    """
    ours: Condition = {"StringEquals": {"aws:SourceAccount": account_id}, "ArnLike": {"aws:SourceArn": cluster_arns}}
    return _service("EcsRuns", "ecs-tasks", ours)


def chatbot() -> str:
    """AWS Chatbot may assume the role. AWS documents no condition for the caller of Chatbot.

    https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-iam-policies.html
    """
    return _service("ChatbotShows", "chatbot")


def instances() -> str:
    """EC2 may assume the role for instances, through an instance profile. It passes neither account nor instance.

    A profile belongs to the account of its role, and so do the instances that use it.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
    """
    return _service("Ec2Runs", "ec2")


def tokens(provider_arn: str, audiences: Sequence[str], subjects: Sequence[str]) -> str:
    """Tokens of an OpenID Connect provider with one of these audiences and one of these subjects are trusted.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html

    Args:
        provider_arn: The provider in IAM. The condition keys begin with its URL without `https://`.
        audiences: Audiences, without wildcards.
        subjects: Subjects; `*` is a wildcard.
    """
    issuer = provider_arn.partition(":oidc-provider/")[2]
    return document(
        {
            "Sid": "TokenIsShown",
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{issuer}:aud": list(audiences)},
                "StringLike": {f"{issuer}:sub": list(subjects)},
            },
        }
    )


def _service(sid: str, service: str, condition: Condition | None = None) -> str:
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return document({**statement, "Condition": condition} if condition else statement)
