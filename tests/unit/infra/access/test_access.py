"""Access of applications: roles, and the SMTP user with its secret."""

import json
from typing import Any

import pytest

from mailstack_infra.access.smtp_user import password
from mailstack_infra.settings.access import Oidc
from mailstack_infra.settings.loading import SettingsInvalid, read
from tests.unit.infra.options import ACCESS, FULL
from tests.unit.infra.program import ACCOUNT, ROOT, Deployment, run

GITHUB, EKS = ACCESS["oidc"]["deploys"], ACCESS["oidc"]["pod"]
# Some of it: one service, a provider that two share and one that is there, a login that the application may not read.
SOME: dict[str, Any] = {
    "services": "ecs",
    "oidc": {
        "deploys": GITHUB,
        "other": {**GITHUB, "create": False, "audiences": "https://example.com"},
        "gitlab": {"provider": "https://gitlab.com", "audiences": "x", "subjects": "project_path:example/shop"},
    },
    "smtp": {"keys": [1]},
}
SLACK = {"workspace": "T07EA123LEP", "page": "C07EZ1ABC23"}
NAMED = {f"aws:iam/{kind}" for kind in ("role:Role", "policy:Policy", "user:User", "instanceProfile:InstanceProfile")}


def trust(deployment: Deployment, name: str) -> dict[str, Any]:
    (statement,) = json.loads(deployment.one("Role", name).inputs["assumeRolePolicy"])["Statement"]
    return statement


# --- Roles ---------------------------------------------------------------------------------------------------------


def test_sender_policy_is_unattached_by_default():
    deployment = run("prod")
    assert deployment.of("RolePolicyAttachment") == deployment.of("User") == deployment.of("Secret") == []
    assert not [role.name for role in deployment.of("Role") if role.name.startswith("app-")]
    assert (deployment.values.roles, deployment.values.smtp_secret) == ({}, "")


def test_every_requested_role_has_the_sender_policy():
    deployment = run("prod", access=ACCESS)
    attached = {each.inputs["role"]: each.inputs["policyArn"] for each in deployment.of("RolePolicyAttachment")}
    names = {name: f"mailstack-prod-app-{name}-us-east-1" for name in ("ecs", "lambda", "ec2", "deploys", "pod")}
    assert attached == dict.fromkeys([*names.values(), "shop-web"], deployment.values.sender_policy_arn)
    roles = deployment.values.roles
    assert roles == {name: f"arn:aws:iam::{ACCOUNT}:role/{physical}" for name, physical in names.items()}


def test_ecs_assumes_its_role_in_this_account_and_region_only():
    assert trust(run("prod", access=ACCESS), "app-ecs") == {
        "Sid": "EcsRuns",
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:*"},
        },
    }


@pytest.mark.parametrize("name", ["app-lambda", "feedback", "sending-guard"])
def test_lambda_takes_a_role_for_functions_of_this_account_alone(name: str):
    found = trust(run("prod", access=ACCESS), name)
    assert found["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert found["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_ec2_takes_its_role_through_an_instance_profile():
    deployment = run("prod", access=ACCESS)
    assert trust(deployment, "app-ec2")["Principal"] == {"Service": "ec2.amazonaws.com"}
    profile = deployment.one("InstanceProfile", "ec2").inputs
    assert profile["name"] == profile["role"] == "mailstack-prod-app-ec2-us-east-1"
    assert run("prod", access=SOME).of("InstanceProfile") == []


def test_a_token_must_be_for_this_audience_and_of_these_subjects():
    deployment = run("prod", access=ACCESS)
    made = deployment.one("OpenIdConnectProvider", "token.actions.githubusercontent.com")
    assert (made.inputs["url"], made.inputs["clientIdLists"]) == (GITHUB["provider"], ["sts.amazonaws.com"])
    assert trust(deployment, "app-deploys") == {
        "Sid": "TokenIsShown",
        "Effect": "Allow",
        "Principal": {"Federated": made.arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {"token.actions.githubusercontent.com:aud": ["sts.amazonaws.com"]},
            "StringLike": {"token.actions.githubusercontent.com:sub": GITHUB["subjects"]},
        },
    }
    pod, issuer = trust(deployment, "app-pod"), EKS["provider"].partition("oidc-provider/")[2]
    assert pod["Principal"] == {"Federated": EKS["provider"]}
    assert pod["Condition"]["StringLike"] == {f"{issuer}:sub": [EKS["subjects"]]}


def test_an_existing_oidc_provider_is_referenced_by_its_url():
    deployment = run("prod", access=SOME)
    (made,) = deployment.of("OpenIdConnectProvider")
    assert made.inputs["url"] == GITHUB["provider"]
    named = trust(deployment, "app-gitlab")["Principal"]
    assert named == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com"}


def test_two_roles_share_one_oidc_provider_with_all_audiences():
    deployment = run("prod", access=SOME)
    (made,) = deployment.of("OpenIdConnectProvider")
    assert made.inputs["clientIdLists"] == ["sts.amazonaws.com", "https://example.com"]
    assert trust(deployment, "app-other")["Principal"] == {"Federated": made.arn}


# --- What a sender may send ----------------------------------------------------------------------------------------


def test_bulk_mail_has_the_resources_and_templates_of_single():
    plain = run("prod", access={"bulk": True}).policy("Policy", "sender")
    in_bulk, singly = (
        {arn for arn in plain[sid]["Resource"] if ":identity/" not in arn} for sid in ("SendBulk", "Send")
    )
    assert in_bulk == singly
    deployment = run("prod", access={**ACCESS, "bulk": True})
    bulk = deployment.policy("Policy", "sender")["SendBulk"]
    names = ("mailstack-prod-*", "receipt", "welcome")
    templates = {f"arn:aws:ses:us-east-1:{ACCOUNT}:template/{name}" for name in names}
    assert bulk["Action"] == ["ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"]
    assert {arn for arn in bulk["Resource"] if ":template/" in arn} == templates
    assert templates <= set(deployment.policy("Policy", "sender")["Send"]["Resource"])


def test_raw_and_bulk_mail_are_granted_only_if_enabled():
    plain = run("prod", access=ACCESS).policy("Policy", "sender")
    assert "SendBulk" not in plain
    assert plain["Send"]["Action"] == "ses:SendEmail"
    raw = run("prod", access={"raw": True}).policy("Policy", "sender")
    assert raw["Send"]["Action"] == ["ses:SendEmail", "ses:SendRawEmail"]


@pytest.mark.parametrize(
    ("changed", "condition"),
    [
        ({}, {"StringEquals": {"ses:FromAddress": ["no-reply@example.com"]}}),
        ({"sender": "Ada <Ada@m.example.com>"}, {"StringEquals": {"ses:FromAddress": ["Ada@m.example.com"]}}),
        (
            {"allowedSenders": "no-reply@example.com, news-*@m.example.com"},
            {"StringLike": {"ses:FromAddress": ["no-reply@example.com", "news-*@m.example.com"]}},
        ),
        ({"allowedSenders": ["*@example.com"]}, {"StringLike": {"ses:FromAddress": ["*@example.com"]}}),
    ],
)
def test_mail_is_from_the_stacks_sender_or_the_allowed_ones(changed: dict[str, Any], condition: dict[str, Any]):
    deployment = run("prod", access=ACCESS, **changed)
    for name in ("sender", "smtp"):
        assert deployment.policy("Policy", name)["Send"]["Condition"] == condition


# --- The SMTP user -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_smtp_user_may_only_send_raw_mail_as_the_sender(stack: str):
    deployment = run(stack, access=ACCESS)
    (send,) = deployment.policy("Policy", "smtp").values()
    sender = deployment.policy("Policy", "sender")["Send"]
    assert (send["Action"], send["Condition"]) == ("ses:SendRawEmail", sender["Condition"])
    assert send["Resource"] == [arn for arn in sender["Resource"] if ":template/" not in arn]
    attached = deployment.one("UserPolicyAttachment", "smtp").inputs
    assert attached == {"user": f"mailstack-{stack}-smtp-us-east-1", "policyArn": deployment.one("Policy", "smtp").arn}


def test_the_login_is_in_the_secret_and_nowhere_else():
    deployment = run("prod", access=ACCESS)
    secret, version = deployment.one("Secret", "smtp"), deployment.one("SecretVersion", "smtp")
    assert version.secret == {"secretString"}
    secret_key = deployment.one("AccessKey", "smtp-2").outputs["secret"]["value"]
    assert json.loads(version.inputs["secretString"]) == {
        "host": "email-smtp.us-east-1.amazonaws.com",
        "port": 587,
        "tls_port": 465,
        "username": "smtp-2-id",
        "password": password(secret_key, "us-east-1"),
    }
    assert secret.inputs["kmsKeyId"] == deployment.one("Key", "key").arn
    assert deployment.values.smtp_secret == secret.inputs["name"] == "mailstack-prod-smtp"
    elsewhere = [r.inputs for r in deployment.aws if r.name != "smtp"]
    told = json.dumps([deployment.exports, elsewhere], default=str)
    assert password(secret_key, "us-east-1") not in told
    assert secret_key not in told


def test_during_rotation_the_secret_holds_the_newer_smtp_key():
    deployment = run("prod", access=ACCESS)
    assert {key.name for key in deployment.of("AccessKey")} == {"smtp-1", "smtp-2"}
    assert json.loads(deployment.one("SecretVersion", "smtp").inputs["secretString"])["username"] == "smtp-2-id"
    (before,) = run("prod", access=SOME).of("AccessKey")
    assert before.name == "smtp-1"


@pytest.mark.parametrize(("stack", "days"), [("prod", 30), ("dev", 0)])
def test_a_deleted_smtp_secret_can_be_restored_if_protected(stack: str, days: int):
    assert run(stack, access=ACCESS).one("Secret", "smtp").inputs["recoveryWindowInDays"] == days


def test_the_application_reads_the_smtp_secret_if_enabled():
    policy = run("prod", access=ACCESS).policy("Policy", "sender")
    reads = policy["ReadSmtpLogin"]
    assert reads["Action"] == "secretsmanager:GetSecretValue"
    assert reads["Resource"] == f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:mailstack-prod-smtp-??????"
    services = {"dynamodb.us-east-1.amazonaws.com", "secretsmanager.us-east-1.amazonaws.com"}
    assert set(policy["UseKey"]["Condition"]["StringEquals"]["kms:ViaService"]) == services
    assert "ReadSmtpLogin" not in run("prod", access=SOME).policy("Policy", "sender")


@pytest.mark.parametrize(("changed", "expected"), [({}, False), ({"access": SOME}, True)], ids=["none", "some"])
def test_secrets_manager_uses_the_key_only_with_an_smtp_secret(changed: dict[str, Any], expected: bool):
    statement = run("prod", **changed).policy("Key", "key")["AccountUsesThroughServices"]
    through = statement["Condition"]["StringEquals"]["kms:ViaService"]
    assert ("secretsmanager.us-east-1.amazonaws.com" in through) is expected


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("eu-central-1", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"),
        ("us-west-1", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"),
    ],
)
def test_the_smtp_password_matches_other_implementations(region: str, expected: str):
    # What hashicorp/terraform-provider-aws, internal/service/iam/access_key_test.go, expects.
    assert password("some+secret+key", region) == expected


# --- Settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("access", "key", "words"),
    [
        ({"services": "eks"}, "access.services.0", "allowed: ecs, lambda, ec2"),
        ({"services": ["ecs", "ecs"]}, "access.services", "duplicate value: ecs"),
        ({"attachTo": "arn:aws:iam::123456789012:role/web"}, "access.attachTo.0", "not the name of a role"),
        ({"templates": "a b"}, "access.templates.0", "not the name of a template"),
        ({"oidc": {"ecs": EKS}}, "access.oidc", "'ecs' is not a valid name of a role"),
        ({"oidc": {"Pod": EKS}}, "access.oidc", "'Pod' is not a valid name of a role"),
        ({"oidc": {"pod": {**EKS, "create": True}}}, "access.oidc.pod.create", "an ARN names a provider that exists"),
        ({"oidc": {"pod": {**EKS, "provider": "http://x.test"}}}, "access.oidc.pod.provider", "neither an https URL"),
        ({"oidc": {"pod": {**EKS, "audiences": []}}}, "access.oidc.pod.audiences", "found nothing"),
        ({"oidc": {"pod": {**EKS, "audiences": "*"}}}, "access.oidc.pod.audiences.0", "without a wildcard"),
        (
            {"oidc": {"pod": {"provider": EKS["provider"], "audiences": "x"}}},
            "access.oidc.pod.subjects",
            "found nothing; allowed: subjects such as",
        ),
        *(
            (
                {"oidc": {"pod": {**EKS, "subjects": everybody}}},
                "access.oidc.pod.subjects.0",
                "must name one repository",
            )
            for everybody in (
                *("*", "repo:*", "repo:example/*", "repo:*/shop:ref:*", "repo:example/*:ref:refs/heads/main"),
                *("system:serviceaccount:*", "system:serviceaccount:*:mailer", "project_path:*", "", "?"),
            )
        ),
        ({"smtp": {"keys": [0]}}, "access.smtp.keys.0", "one whole number from 1"),
        ({"smtp": {"keys": [1, 1]}}, "access.smtp.keys", "duplicate value: 1"),
        ({"smtp": {"keys": [1, 2, 3]}}, "access.smtp.keys", "or two while the password changes"),
        ({"smtp": {"readBySender": True}}, "access.smtp.readBySender", "there is no SMTP user"),
    ],
)
def test_invalid_setting_is_reported_with_its_path(access: dict[str, Any], key: str, words: str):
    config = {"mailstack:domain": "example.com", "mailstack:page": "oncall@example.com"}
    with pytest.raises(SettingsInvalid) as caught:
        read("dev", {**config, "mailstack:access": json.dumps(access)})
    (problem,) = str(caught.value).splitlines()[1:]
    assert problem.strip().startswith(f"mailstack:{key}: ")
    assert words in problem


@pytest.mark.parametrize("subject", ["repo:example/shop:*", "repo:example@12/shop@34:ref:refs/tags/v*", "project:x"])
def test_a_subject_may_be_many_of_one_repository(subject: str):
    assert Oidc(provider=EKS["provider"], audiences=("x",), subjects=(subject,)).subjects == (subject,)


# --- The guide -----------------------------------------------------------------------------------------------------


def test_the_guide_names_every_role_user_and_policy():
    guide = (ROOT / "docs/guides/access.md").read_text(encoding="utf-8")
    everything: dict[str, Any] = {"streams": FULL, "slack": SLACK, "access": ACCESS}
    for resource in (r for r in run("prod", **everything).aws if r.token in NAMED):
        generic = resource.inputs["name"].replace("mailstack-prod-transactional-", "mailstack-S-N-")
        generic = generic.replace("mailstack-prod-", "mailstack-S-").removesuffix("-us-east-1")
        generic = "mailstack-S-app-NAME" if generic.endswith(("-deploys", "-pod")) else generic
        assert f"`{generic}`" in guide, generic
