"""A user for software that supports only SMTP, and the secret with its password."""

import base64
import hashlib
import hmac
import json

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.settings.access import SmtpUser

# https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html: STARTTLS, and implicit TLS. Not port 25, which EC2
# throttles.
PORT, TLS_PORT = 587, 465
# https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html#smtp-credentials-convert
_STEPS = ("11111111", "{region}", "ses", "aws4_request", "SendRawEmail")
_PASSWORD_VERSION = b"\x04"
# How long a deleted secret can be restored. Its name cannot be reused during that time.
RECOVERY_DAYS = 30


class Smtp(pulumi.ComponentResource):
    """An IAM user that may only send raw mail, its access keys, and the secret.

    Args:
        settings: The access keys.
        policy: Its policy, as JSON.
        protect: Whether a deleted secret can be restored.

    Attributes:
        secret: Host, ports, user name and password, as JSON.
    """

    def __init__(
        self,
        env: Environment,
        settings: SmtpUser,
        *,
        policy: pulumi.Input[str],
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:smtp:Smtp", "smtp", None, opts)
        self._env, self._child = env, ResourceOptions(parent=self)
        user = self._user(policy)
        keys = {
            number: aws.iam.AccessKey(f"smtp-{number}", user=user.name, opts=self._child) for number in settings.keys
        }
        self.secret = aws.secretsmanager.Secret(
            "smtp",
            name=env.name("smtp"),
            description=f"How to log in to SES's SMTP interface for the stack {env.stack}",
            kms_key_id=env.key,
            recovery_window_in_days=RECOVERY_DAYS if protect else 0,
            tags=env.tags,
            opts=self._child,
        )
        newest = keys[max(keys)]
        aws.secretsmanager.SecretVersion(
            "smtp",
            secret_id=self.secret.id,
            secret_string=pulumi.Output.secret(
                # Not the key's own `ses_smtp_password_v4`: it works only in the region in which the key was created.
                pulumi.Output.all(newest.id, newest.secret).apply(
                    lambda known: login(env.region, *known, suffix=env.dns_suffix)
                )
            ),
            opts=self._child,
        )
        self.register_outputs({"secret": self.secret.name})

    def _user(self, policy: pulumi.Input[str]) -> aws.iam.User:
        env = self._env
        kept = self._child.merge(KEEP_NAME)
        user = aws.iam.User("smtp", name=env.iam_name("smtp"), tags=env.tags, opts=kept)
        allowed = aws.iam.Policy(
            "smtp",
            name=env.iam_name("smtp"),
            description=f"Send mail over SMTP through the stack {env.stack}",
            policy=policy,
            tags=env.tags,
            opts=kept,
        )
        aws.iam.UserPolicyAttachment("smtp", user=user.name, policy_arn=allowed.arn, opts=self._child)
        return user


def login(region: str, access_key_id: str, secret: str, *, suffix: str = "amazonaws.com") -> str:
    """The secret's content.

    Args:
        region: The region of the SMTP interface; the password does not work in another.
        access_key_id: The user name.
        secret: The access key's secret.
        suffix: The DNS suffix of endpoints there: https://docs.aws.amazon.com/general/latest/gr/ses.html.

    Example:
        >>> json.loads(login("eu-west-1", "AKIAIOSFODNN7EXAMPLE", "x"))["host"]
        'email-smtp.eu-west-1.amazonaws.com'
    """
    host = f"email-smtp.{region}.{suffix}"
    known = {"username": access_key_id, "password": password(secret, region)}
    return json.dumps({"host": host, "port": PORT, "tls_port": TLS_PORT, **known})


def password(secret: str, region: str) -> str:
    """The SMTP password of an access key in a region, derived by AWS's algorithm."""
    signature = f"AWS4{secret}".encode()
    for step in _STEPS:
        signature = hmac.new(signature, step.format(region=region).encode(), hashlib.sha256).digest()
    return base64.b64encode(_PASSWORD_VERSION + signature).decode()
