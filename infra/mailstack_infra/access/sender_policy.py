"""Permission to send: the sender policy, the roles that have it, and the SMTP user.

Not for who may assume a role (`roles.py`, `iam/trust.py`) or how the user logs in (`smtp_user.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.stack import parameter_name
from mailstack_infra.access.roles import Roles
from mailstack_infra.access.smtp_user import Smtp
from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.iam import statements
from mailstack_infra.settings.access import AccessSettings
from mailstack_infra.settings.secret import protected


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The mail that the sender policy allows.

    Attributes:
        identity: The domain or address that mail is sent from.
        senders: The allowed From addresses, or patterns of them.
        recipients: The allowed recipients, or patterns of them; empty for everybody.
        configuration_set_arns: The allowed configuration sets.
        secondary_region: The second region of a multi-region endpoint; empty for none.
        message_log: Whether the stack keeps a message log.
    """

    identity: str
    senders: Sequence[str]
    recipients: Sequence[str]
    configuration_set_arns: Sequence[str]
    secondary_region: str
    message_log: bool


class Access(pulumi.ComponentResource):
    """The sender policy, and the roles and the user that have it.

    Args:
        settings: The roles, the SMTP user, and what else the policy allows.
        scope: The mail that the policy allows.
        protect: Whether the SMTP user's secret can be restored after deletion.

    Attributes:
        sender_policy: A managed policy. Attach it to your application's role.
        roles: The roles that have it, by name.
        smtp: The SMTP user; None if the settings have none.
    """

    def __init__(
        self,
        env: Environment,
        settings: AccessSettings,
        *,
        scope: Scope,
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:access:Access", "access", None, opts)
        self._env, self._settings, self._scope = env, settings, scope
        child = ResourceOptions(parent=self)
        own, sets = env.arn("ses", f"identity/{scope.identity}"), scope.configuration_set_arns
        # The condition on the From address limits single mails. Bulk mail is limited by the named identity alone.
        arns = self._in_each_region([env.arn("ses", "identity/*"), *sets])
        self.sender_policy = self._policy(arns, bulk=self._in_each_region([own, *sets]))
        self.roles = Roles(env, settings, policy=self.sender_policy, opts=child).made
        smtp = settings.smtp
        allowed = protected(statements.document(self._send(arns, statements.SEND_RAW)), of=scope.recipients)
        self.smtp = Smtp(env, smtp, policy=allowed, protect=protect, opts=child) if smtp.keys else None
        self.register_outputs({"sender_policy": self.sender_policy.arn})

    def _in_each_region(self, arns: list[str]) -> list[str]:
        """SES authorizes the resources of the second region, too, when it sends there."""
        here, there = self._env.region, self._scope.secondary_region
        return [*arns, *(arn.replace(f":{here}:", f":{there}:") for arn in arns if there)]

    def _send(self, arns: list[str], actions: tuple[str, ...]) -> statements.Statement:
        scope = self._scope
        return statements.send(arns, senders=scope.senders, recipients=scope.recipients, actions=actions)

    def _policy(self, arns: list[str], *, bulk: list[str]) -> aws.iam.Policy:
        env, settings = self._env, self._settings
        # A statement on bulk mail must name templates: https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
        names = (env.name("*"), *settings.templates)
        templates = self._in_each_region([env.arn("ses", f"template/{name}") for name in names])
        raw = statements.SEND_RAW if settings.raw else ()
        sends = [self._send([*arns, *templates], (*statements.SEND, *raw))]
        if settings.bulk:
            sends.append(statements.send_bulk([*bulk, *templates]))
        reads_login = settings.smtp.read_by_sender
        login = [statements.read_secret(env.arn("secretsmanager", f"secret:{env.name('smtp')}-??????"))]
        table = env.arn("dynamodb", f"table/{env.name('store')}")
        logged = [statements.read_message_log(table), statements.write_message_log(table)]
        return aws.iam.Policy(
            "sender",
            name=env.iam_name("sender"),
            description=f"Send mail from {self._scope.identity} through the stack {env.stack}",
            policy=protected(
                env.with_key(
                    lambda key: statements.sender(
                        sends,
                        table_arn=table,
                        parameter_arn=env.arn("ssm", f"parameter{parameter_name(env.stack)}"),
                        more=[*(logged if self._scope.message_log else []), *(login if reads_login else []), *key],
                    ),
                    *(("dynamodb", "secretsmanager") if reads_login else ("dynamodb",)),
                ),
                of=self._scope.recipients,
            ),
            tags=env.tags,
            opts=ResourceOptions(parent=self).merge(KEEP_NAME),
        )
