"""The tables: one file for each service, one `Resource` for each type. The provider serves these and no other."""

from mailstack_localcloud.pulumi.provider.resource import Resource
from mailstack_localcloud.pulumi.provider.resources import (
    awslambda,
    chatbot,
    cloudwatch,
    dynamodb,
    events,
    iam,
    iam_attachments,
    iam_oidc,
    iam_users,
    kms,
    lambda_permission,
    logs,
    route53,
    secretsmanager,
    ses,
    ses_audience,
    ses_routes,
    ses_tenants,
    sns,
    sqs,
    ssm,
)

_SERVICES = (
    *(
        awslambda,
        lambda_permission,
        chatbot,
        cloudwatch,
        dynamodb,
        events,
        kms,
        logs,
        route53,
        secretsmanager,
        sns,
        sqs,
        ssm,
    ),
    *(iam, iam_attachments, iam_oidc, iam_users),
    *(ses, ses_audience, ses_routes, ses_tenants),
)
RESOURCES: dict[str, Resource] = {resource.kind: resource for service in _SERVICES for resource in service.RESOURCES}
