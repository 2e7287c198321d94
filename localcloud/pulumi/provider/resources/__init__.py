"""The tables: one file for each service, one `Resource` for each type. The provider serves these and no other."""

from localcloud.pulumi.provider.resource import Resource
from localcloud.pulumi.provider.resources import (
    awslambda,
    cloudwatch,
    dynamodb,
    events,
    iam,
    kms,
    logs,
    route53,
    ses,
    sns,
    sqs,
    ssm,
)

RESOURCES: dict[str, Resource] = {
    resource.kind: resource
    for service in (awslambda, cloudwatch, dynamodb, events, iam, kms, logs, route53, ses, sns, sqs, ssm)
    for resource in service.RESOURCES
}
