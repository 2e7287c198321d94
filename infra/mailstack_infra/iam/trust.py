"""Who may take a role: every trust policy of the stack, as pure functions that return it as JSON.

Not for what a role may do (`statements.py`). Conditions prevent the confused-deputy problem where AWS documents them:
https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from collections.abc import Sequence

from mailstack_infra.iam.statements import Condition, Statement, document


def ses(account_id: str, configuration_set_arn: str) -> str:
    """SES may take the role for one configuration set of ours.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-firehose.html
    """
    ours = {"AWS:SourceAccount": account_id, "AWS:SourceArn": configuration_set_arn}
    return _service("SesPublishesEvents", "ses", {"StringEquals": ours})


def functions(account_id: str) -> str:
    """Lambda may take the role for functions of our account."""
    return _service("LambdaRuns", "lambda", {"StringEquals": {"aws:SourceAccount": account_id}})


def tasks(account_id: str, cluster_arns: str) -> str:
    """ECS may take the role for tasks of our account in this region.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html

    Args:
        account_id: The account.
        cluster_arns: A pattern of the ARNs that ECS names, `arn:aws:ecs:<region>:<account>:*`.
    """
    ours: Condition = {"StringEquals": {"aws:SourceAccount": account_id}, "ArnLike": {"aws:SourceArn": cluster_arns}}
    return _service("EcsRuns", "ecs-tasks", ours)


def chatbot() -> str:
    """AWS Chatbot may take the role. On whose behalf it does, AWS documents no condition for.

    https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-iam-policies.html
    """
    return _service("ChatbotShows", "chatbot")


def instances() -> str:
    """EC2 may take the role for instances, through an instance profile; it tells neither account nor instance.

    A profile belongs to the account of its role, and so do the instances that have it.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
    """
    return _service("Ec2Runs", "ec2")


def tokens(provider_arn: str, audiences: Sequence[str], subjects: Sequence[str]) -> str:
    """Trust tokens of an OpenID Connect provider that have one of these audiences and one of these subjects.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html

    Args:
        provider_arn: The provider in IAM; the keys of the conditions are called after its URL without `https://`.
        audiences: Whole audiences.
        subjects: Subjects; `*` stands for anything.
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
