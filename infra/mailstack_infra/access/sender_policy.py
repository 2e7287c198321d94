"""Who may send, and what: the sender policy, the roles that have it, the SMTP user.

Not for who takes a role (`roles.py`, `trust.py`) or how the user logs in (`smtp_user.py`).
"""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.stack import parameter_name
from mailstack_infra.access.roles import Roles
from mailstack_infra.access.smtp_user import Smtp
from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.iam import statements
from mailstack_infra.settings.model import Settings


class Access(pulumi.ComponentResource):
    """The sender policy, with whoever has it.

    Args:
        configuration_set_arns: The sets that they may send through.

    Attributes:
        sender_policy: A managed policy. Attach it to your application's role.
        roles: Roles that have it, by name.
        smtp: The SMTP user; None unless there is to be one.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        configuration_set_arns: list[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:access:Access", "access", None, opts)
        self._env, self._settings, child = env, settings, ResourceOptions(parent=self)
        own, sets = env.arn("ses", f"identity/{settings.identity}"), configuration_set_arns
        # The condition on the From address bounds single mails; nothing else bounds mail in bulk.
        arns = self._in_each_region([env.arn("ses", "identity/*"), *sets])
        self.sender_policy = self._policy(arns, bulk=self._in_each_region([own, *sets]))
        self.roles = Roles(env, settings.access, policy=self.sender_policy, opts=child).made
        smtp = settings.access.smtp
        allowed = statements.document(self._send(arns, statements.SEND_RAW))
        self.smtp = Smtp(env, smtp, policy=allowed, protect=settings.protect, opts=child) if smtp.keys else None
        self.register_outputs({"sender_policy": self.sender_policy.arn})

    def _in_each_region(self, arns: list[str]) -> list[str]:
        """SES may send in the second region, too, and asks for what it uses there."""
        here, there = self._env.region, self._settings.secondary_region
        return [*arns, *(arn.replace(f":{here}:", f":{there}:") for arn in arns if there)]

    def _send(self, arns: list[str], actions: tuple[str, ...]) -> statements.Statement:
        settings = self._settings
        return statements.send(arns, senders=settings.senders, recipients=settings.allowed_recipients, actions=actions)

    def _policy(self, arns: list[str], *, bulk: list[str]) -> aws.iam.Policy:
        env, settings = self._env, self._settings
        # Bulk mail must name some: https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
        names = (env.name("*"), *settings.access.templates)
        templates = self._in_each_region([env.arn("ses", f"template/{name}") for name in names])
        raw = statements.SEND_RAW if settings.access.raw else ()
        sends = [self._send([*arns, *templates], (*statements.SEND, *raw))]
        if settings.access.bulk:
            sends.append(statements.send_bulk([*bulk, *templates]))
        reads_login = settings.access.smtp.read_by_sender
        login = [statements.read_secret(env.arn("secretsmanager", f"secret:{env.name('smtp')}-??????"))]
        return aws.iam.Policy(
            "sender",
            name=env.iam_name("sender"),
            description=f"Send mail from {settings.identity} through the stack {env.stack}",
            policy=env.with_key(
                lambda key: statements.sender(
                    sends,
                    table_arn=env.arn("dynamodb", f"table/{env.name('store')}"),
                    parameter_arn=env.arn("ssm", f"parameter{parameter_name(env.stack)}"),
                    more=[*(login if reads_login else []), *key],
                ),
                *(("dynamodb", "secretsmanager") if reads_login else ("dynamodb",)),
            ),
            tags=env.tags,
            opts=ResourceOptions(parent=self).merge(KEEP_NAME),
        )
