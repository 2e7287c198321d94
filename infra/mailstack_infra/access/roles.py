"""Roles for applications that send. Each can be assumed by one service or issuer, and has the sender policy.

Not for the policy (`sender_policy.py`).
"""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra.environment import KEEP_NAME, Environment
from mailstack_infra.iam import trust
from mailstack_infra.settings.access import AccessSettings, Oidc


class Roles(pulumi.ComponentResource):
    """A role for each service and each issuer of tokens in the settings, and existing roles that get the policy.

    Args:
        settings: The roles.
        policy: The policy of each role.

    Attributes:
        made: The roles that the stack creates, by name.
    """

    made: Mapping[str, aws.iam.Role]

    def __init__(
        self,
        env: Environment,
        settings: AccessSettings,
        *,
        policy: aws.iam.Policy,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:roles:Roles", "roles", None, opts)
        self._env, self._policy, self._child = env, policy, ResourceOptions(parent=self)
        self._kept = self._child.merge(KEEP_NAME)
        providers = self._issuers(settings.oidc)
        taken_by = {
            **{service: service_trust(env, service) for service in settings.services},
            **{name: self._token_trust(oidc, providers) for name, oidc in settings.oidc.items()},
        }
        self.made = {name: self._role(name, document) for name, document in taken_by.items()}
        for name in settings.attach_to:
            self._attach(f"existing-{name}", name)
        if "ec2" in self.made:
            aws.iam.InstanceProfile(
                "ec2", name=env.iam_name("app-ec2"), role=self.made["ec2"].name, tags=env.tags, opts=self._kept
            )
        self.register_outputs({name: role.arn for name, role in self.made.items()})

    def _role(self, name: str, taken_by: pulumi.Input[str]) -> aws.iam.Role:
        role = aws.iam.Role(
            f"app-{name}",
            name=self._env.iam_name(f"app-{name}"),
            description=f"Sends mail through the stack {self._env.stack}",
            assume_role_policy=taken_by,
            tags=self._env.tags,
            opts=self._kept,
        )
        self._attach(f"app-{name}", role.name)
        return role

    def _attach(self, name: str, role: pulumi.Input[str]) -> None:
        aws.iam.RolePolicyAttachment(name, role=role, policy_arn=self._policy.arn, opts=self._child)

    def _issuers(self, oidc: Mapping[str, Oidc]) -> dict[str, aws.iam.OpenIdConnectProvider]:
        """The identity providers that the stack creates, by URL. IAM has one for each URL, with all audiences."""
        made = dict.fromkeys(one.provider for one in oidc.values() if one.create)
        audiences = {
            url: dict.fromkeys(audience for one in oidc.values() if one.provider == url for audience in one.audiences)
            for url in made
        }
        return {
            url: aws.iam.OpenIdConnectProvider(
                url.removeprefix("https://"),
                url=url,
                client_id_lists=list(audiences[url]),
                tags=self._env.tags,
                opts=self._child,
            )
            for url in made
        }

    def _token_trust(self, oidc: Oidc, made: Mapping[str, aws.iam.OpenIdConnectProvider]) -> pulumi.Input[str]:
        if oidc.provider in made:
            return made[oidc.provider].arn.apply(lambda arn: trust.tokens(arn, oidc.audiences, oidc.subjects))
        return trust.tokens(provider_arn(self._env, oidc.provider), oidc.audiences, oidc.subjects)


def service_trust(env: Environment, service: str) -> str:
    """The trust policy of the role for applications on a service."""
    match service:
        case "ecs":
            return trust.tasks(env.account_id, env.arn("ecs", "*"))
        case "lambda":
            return trust.functions(env.account_id)
        case _:
            return trust.instances()


def provider_arn(env: Environment, provider: str) -> str:
    """The ARN of an identity provider, from its URL or its ARN."""
    if provider.startswith("arn:"):
        return provider
    return f"arn:{env.partition}:iam::{env.account_id}:oidc-provider/{provider.removeprefix('https://')}"
