"""The services of the local cloud, as typed boto3 clients with timeouts, and the errors they answer with."""

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004

if TYPE_CHECKING:
    from mypy_boto3_chatbot import ChatbotClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

# The service calls a thing gone by one of these codes.
GONE = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "DashboardNotFoundError",
        "NoSuchEntity",
        "NoSuchHostedZone",
        "NotFound",
        "NotFoundException",
        "ParameterNotFound",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "TableNotFoundException",
    }
)
# What to do about an error, by the first of these that its code contains.
HINTS = {
    "ResourceExists": "It exists already: delete it, give this one another name, or import it.",
    "AlreadyExists": "It exists already: delete it, give this one another name, or import it.",
    "InvalidChangeBatch": "Another record holds that name: delete it, import it, or say allowOverwrite.",
    "ConflictException": "It exists already, or something else holds it: delete that, or use another name.",
    "QueueNameExists": "A queue of that name exists with other attributes: delete it, or use another name.",
    "ResourceInUse": "It exists already, or is being changed: delete it, wait, or use another name.",
    "DeleteConflict": "Something is still attached to it: take that away first.",
    "AccessDenied": "The caller may not do that: check the policy of the role in use.",
    "Throttl": "Too many requests: try again in a moment.",
    "LimitExceeded": "An account limit is reached: delete what is not needed.",
    "NonExistent": "Something that it refers to is not there: check the names, or say depends_on.",
    "NotFound": "Something that it refers to is not there: check the names, or say depends_on.",
    "NoSuch": "Something that it refers to is not there: check the names, or say depends_on.",
    "Malformed": "Correct the inputs of the resource.",
    "Invalid": "Correct the inputs of the resource.",
    "Validation": "Correct the inputs of the resource.",
    "BadRequest": "Correct the inputs of the resource.",
}
# boto3 must not make two clients at once: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html
_MAKING = threading.Lock()
_TIMEOUTS = Config(connect_timeout=120, read_timeout=120, retries={"max_attempts": 3, "mode": "standard"})


class ProviderError(RuntimeError):
    """Something failed: the sentence says what, why, and what to do."""


def code_of(error: ClientError) -> str:
    """The service's own code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_gone(error: ClientError) -> bool:
    """Whether the service says that the thing is not there."""
    return code_of(error) in GONE


@contextmanager
def translate_errors(doing: str) -> Generator[None]:
    """Turn botocore's errors into one sentence.

    Args:
        doing: What was being done to what, as in "creating aws:sns/topic:Topic 'events'".
    """
    try:
        yield
    except ClientError as error:
        code, text = code_of(error), str(error.response.get("Error", {}).get("Message", "")).rstrip(".")
        hint = next((hint for part, hint in HINTS.items() if part in code), "See the message of the service.")
        raise ProviderError(f"{doing} failed: {error.operation_name} answered {code}: {text}. {hint}") from error
    except (ConnectionError, HTTPClientError) as error:
        hint = "Is the local cloud running? `localcloud` starts it."
        raise ProviderError(f"{doing} failed: {error}. {hint}") from error
    except BotoCoreError as error:
        raise ProviderError(f"{doing} failed: {error}. Correct the inputs of the resource.") from error


@dataclass(frozen=True)
class Cloud:
    """The local cloud's endpoint and the credentials for it. Clients are created at first use and cached."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    endpoints: dict[str, str] = field(default_factory=dict[str, str])
    """Of single services, by boto3's names."""
    session_token: str | None = field(default=None, repr=False)
    _others: "dict[str, Cloud]" = field(default_factory=dict, repr=False, compare=False)

    def in_region(self, region: str | None) -> "Cloud":
        """The same cloud in another region."""
        if region is None or region == self.region:
            return self
        found = self._others.get(region)
        if found is None:
            found = replace(self, region=region, _others={})
            self._others[region] = found
        return found

    def assuming(self, role: Mapping[str, str]) -> "Cloud":
        """The same cloud with a role's credentials.

        Args:
            role: One of the provider's `assumeRoles`.
        """
        arn, name = role["roleArn"], role.get("sessionName") or "pulumi"
        external_id = {"ExternalId": role["externalId"]} if "externalId" in role else {}
        with translate_errors(f"assuming {arn}"):
            keys = self.sts.assume_role(RoleArn=arn, RoleSessionName=name, **cast("Any", external_id))["Credentials"]
        return replace(
            self,
            access_key=keys["AccessKeyId"],
            secret_key=keys["SecretAccessKey"],
            session_token=keys["SessionToken"],
            _others={},
        )

    @cached_property
    def account_id(self) -> str:
        """The account that the credentials belong to."""
        return self.sts.get_caller_identity()["Account"]

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        """An ARN in this account and region."""
        return f"arn:aws:{service}:{self.region if region else ''}:{self.account_id}:{resource}"

    def _client(self, service: str) -> Any:
        with _MAKING:
            return cast("Any", boto3).client(
                service,
                endpoint_url=self.endpoints.get(service, self.endpoint),
                region_name=self.region,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                aws_session_token=self.session_token,
                config=_TIMEOUTS,
            )

    @cached_property
    def chatbot(self) -> "ChatbotClient":
        """AWS Chatbot."""
        return self._client("chatbot")

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """Amazon CloudWatch."""
        return self._client("cloudwatch")

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """Amazon DynamoDB."""
        return self._client("dynamodb")

    @cached_property
    def events(self) -> "EventBridgeClient":
        """Amazon EventBridge."""
        return self._client("events")

    @cached_property
    def iam(self) -> "IAMClient":
        """AWS Identity and Access Management."""
        return self._client("iam")

    @cached_property
    def awslambda(self) -> "LambdaClient":
        """AWS Lambda."""
        return self._client("lambda")

    @cached_property
    def kms(self) -> "KMSClient":
        """AWS Key Management Service."""
        return self._client("kms")

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """Amazon CloudWatch Logs."""
        return self._client("logs")

    @cached_property
    def route53(self) -> "Route53Client":
        """Amazon Route 53."""
        return self._client("route53")

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        """AWS Secrets Manager."""
        return self._client("secretsmanager")

    @cached_property
    def ses(self) -> "SESV2Client":
        """Amazon SES, version 2 of its API."""
        return self._client("sesv2")

    @cached_property
    def sns(self) -> "SNSClient":
        """Amazon SNS."""
        return self._client("sns")

    @cached_property
    def sqs(self) -> "SQSClient":
        """Amazon SQS."""
        return self._client("sqs")

    @cached_property
    def ssm(self) -> "SSMClient":
        """AWS Systems Manager."""
        return self._client("ssm")

    @cached_property
    def sts(self) -> "STSClient":
        """AWS Security Token Service."""
        return self._client("sts")
