"""The component in a program of somebody's own: what it takes, what it gives, and what it says."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import ResourceOptions
from pydantic import BaseModel

import mailstack_infra
from mailer.stack import StackOutputs
from mailstack_infra import Dkim, MailFrom, MailStack, Secret, Settings, SettingsInvalid, StreamSettings
from mailstack_infra.settings.problems import model_of
from tests.unit.infra.program import ROOT, Deployment, run_own
from tests.unit.infra.rsa import private
from tests.waiting import PATIENCE

PAGE = ("oncall@example.com",)
SHOP = Settings(domain="example.com", page=PAGE, protect=False)


def deployed(
    settings: Settings = SHOP, opts: Callable[[], ResourceOptions] = ResourceOptions, **more: Any
) -> Deployment:
    """What a program registers that has a MailStack and nothing else but what its options are made of."""
    return run_own(lambda: none(MailStack("mail", settings, opts=opts(), **more)))


def none(_: object) -> None: ...


# --- Arguments -----------------------------------------------------------------------------------------------------


def test_all_wrong_arguments_are_reported_in_one_error():
    with pytest.raises(SettingsInvalid) as caught:
        Settings(domain="no domain", page=PAGE, log_retention_days=2, mail_from={"onMxFailure": "NEVER"})  # pyright: ignore[reportArgumentType] - wrong on purpose
    first, *problems = str(caught.value).splitlines()
    assert first == "Settings has 3 problems; nothing was deployed."
    assert problems[0].startswith("  domain: found 'no domain'")
    assert problems[1].startswith("  mail_from.on_mx_failure: found 'NEVER'; allowed: USE_DEFAULT_VALUE or ")
    assert problems[2].startswith("  log_retention_days: found 2, but")
    assert "pulumi config" not in str(caught.value)


def test_a_group_with_a_wrong_argument_says_so_itself():
    with pytest.raises(SettingsInvalid) as caught:
        StreamSettings(minimum_sends=0)
    assert str(caught.value).splitlines()[1] == "  minimum_sends: found 0; allowed: a whole number of at least 1."


def test_misspelt_argument_error_suggests_the_right_one():
    with pytest.raises(SettingsInvalid, match=r"sub_domain: unknown setting. Did you mean subdomain\?"):
        MailFrom(sub_domain="bounce")  # pyright: ignore[reportCallIssue] - wrong on purpose


def test_a_private_key_is_shown_in_no_message():
    with pytest.raises(SettingsInvalid, match=r"private_key: found a secret") as caught:
        Dkim(selector="mine", private_key="no key at all")
    assert "no key" not in str(caught.value)


def test_a_private_key_given_by_the_program_stays_a_secret():
    settings = Settings(domain="example.com", page=PAGE, dkim=Dkim(selector="mine", private_key=private(2048)))
    assert "dkimSigningAttributes" in deployed(settings).one("EmailIdentity", "domain").secret


# --- Its names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "carried"), [(None, "dev"), ("shop-dev", "shop-dev")])
def test_names_contain_the_pulumi_stack_by_default(given: str | None, carried: str):
    found = deployed(stack=given)
    assert found.one("Table", "store").inputs["name"] == f"mailstack-{carried}-store"
    assert found.one("Parameter", "outputs").inputs["name"] == f"/mailstack/{carried}/outputs"


def test_an_invalid_stack_name_is_refused_before_registration():
    with pytest.raises(SettingsInvalid, match="the stack's name: found 'shop/dev'"):
        deployed(stack="shop/dev")


@pytest.mark.parametrize("apart", [False, True], ids=["same parent", "other parent"])
def test_a_second_mailstack_in_one_program_is_refused(apart: bool):
    def program() -> None:
        MailStack("mail", SHOP)
        parent = pulumi.ComponentResource("shop:index:Shop", "shop") if apart else None
        MailStack("more", SHOP, opts=ResourceOptions(parent=parent))

    with pytest.raises(pulumi.RunError, match=r"two MailStacks, 'mail' and 'more'.* a Pulumi stack of its own"):
        run_own(program)


def test_programs_that_run_in_turn_have_one_mailstack_each():
    assert deployed().aws
    assert deployed().aws


def test_a_recipient_that_is_a_secret_stays_encrypted():
    settings = Settings(domain="example.com", page=(Secret("oncall@example.com"), "ada@example.com"))
    assert "oncall" not in repr(settings)
    found = deployed(settings)
    endpoints = {
        each.inputs["endpoint"]: each.secret
        for each in found.of("TopicSubscription")
        if each.inputs["protocol"] == "email"
    }
    assert endpoints == {"oncall@example.com": {"endpoint"}, "ada@example.com": set()}
    assert not any("oncall" in warning for warning in found.warnings)


# --- Options for it and all that it makes --------------------------------------------------------------------------


def test_everything_is_made_and_asked_through_the_given_provider():
    found = deployed(opts=lambda: ResourceOptions(provider=aws.Provider("elsewhere", region="us-east-1")))
    assert {resource.provider for resource in found.aws} == {
        f"{provider.urn}::elsewhere-id" for provider in found.resources if provider.token == "pulumi:providers:aws"
    }
    assert {token for token, _ in found.asked} >= {"aws:index/getRegion:getRegion", "aws:route53/getZone:getZone"}
    assert all(provider.endswith("::elsewhere-id") for _, provider in found.asked)


def test_component_is_a_child_of_its_parent():
    def program() -> None:
        MailStack("mail", SHOP, opts=ResourceOptions(parent=pulumi.ComponentResource("shop:index:Shop", "shop")))

    found = run_own(program)
    (mail,) = (resource for resource in found.resources if resource.token == "mailstack:index:MailStack")
    assert mail.name == "mail"
    assert mail.parent.endswith("shop:index:Shop::shop")


def test_protecting_it_protects_all_that_it_makes():
    found = deployed(opts=lambda: ResourceOptions(protect=True))
    assert all(resource.protect for resource in found.aws)
    assert not any(resource.protect for resource in deployed().aws)


def test_a_transformation_of_it_reaches_all_that_it_makes():
    def priced(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.props or "tags" not in args.props:
            return None
        tags = {**cast("dict[str, str]", args.props["tags"]), "cost": "mail"}
        return pulumi.ResourceTransformationResult({**args.props, "tags": tags}, args.opts)

    found = deployed(opts=lambda: ResourceOptions(transformations=[priced]))
    tagged = [resource for resource in found.aws if "tags" in resource.inputs]
    assert tagged
    assert all(resource.inputs["tags"]["cost"] == "mail" for resource in tagged)


# --- What it gives -------------------------------------------------------------------------------------------------


def seen(*, preview: bool) -> tuple[Deployment, dict[str, Any]]:
    """A deployment, and what its outputs were once they were known."""
    told: dict[str, Any] = {}

    def program() -> None:
        mail = MailStack("mail", Settings(domain="example.com", page=PAGE, streams={"transactional": {}, "bulk": {}}))  # pyright: ignore[reportArgumentType] - as in a file
        typed = {
            **{name: getattr(mail, name) for name in MailStack.__annotations__ if not name.startswith("_")},
            "configuration_sets": pulumi.Output.all(**mail.configuration_sets),
            "exports": pulumi.Output.all(**mail.exports),
        }
        for name, value in typed.items():
            value.apply(lambda known, name=name: told.update({name: known}))

    return run_own(program, preview=preview), told


def test_its_outputs_are_what_was_made():
    found, told = seen(preview=False)
    outputs = told["outputs"]
    assert isinstance(outputs, StackOutputs)
    assert told["outputs_json"] == found.one("Parameter", "outputs").inputs["insecureValue"] == outputs.to_json()
    assert told["configuration_sets"] == {
        "transactional": "mailstack-dev-transactional",
        "bulk": "mailstack-dev-bulk",
    }
    assert told["sender_policy_arn"] == found.one("Policy", "sender").arn == outputs.sender_policy_arn
    assert told["identity_arn"] == found.one("EmailIdentity", "domain").arn
    assert told["table_name"] == "mailstack-dev-store"
    assert told["events_topic_arn"] == found.one("Topic", "events").arn
    assert told["paging_topic_arn"] == found.one("Topic", "paging").arn
    assert told["dns_records"] == outputs.dns_records
    assert told["exports"]["outputs"] == outputs.model_dump(mode="json")


def test_a_preview_knows_names_but_not_computed_values():
    _, told = seen(preview=True)
    assert told["table_name"] == "mailstack-dev-store"
    assert told["configuration_sets"]["bulk"] == "mailstack-dev-bulk"
    assert not {"outputs", "outputs_json", "sender_policy_arn", "identity_arn"} & told.keys()


# --- The guide -----------------------------------------------------------------------------------------------------


def test_python_of_the_component_guide_deploys(monkeypatch: pytest.MonkeyPatch):
    page = ROOT / "docs" / "guides" / "component.md"
    (code,) = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exported: dict[str, Any] = {}
    monkeypatch.setattr(pulumi, "export", exported.__setitem__)
    deployment = run_own(lambda: exec(compile(code, str(page), "exec"), {}))  # noqa: S102 - our own guide
    assert deployment.one("EmailIdentity", "domain").inputs["emailIdentity"] == "example.com"
    assert [
        topic.inputs["endpoint"] for topic in deployment.of("TopicSubscription") if topic.inputs["protocol"] == "email"
    ] == ["oncall@example.com"]
    assert list(exported) == ["sender_policy"]


def test_every_group_of_settings_is_imported_from_the_package():
    groups = {Settings, *groups_of(Settings)}
    assert len(groups) > 15
    for group in groups:
        assert group.__name__ in mailstack_infra.__all__
        assert getattr(mailstack_infra, group.__name__) is group


def groups_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in model.model_fields.values():
        if group := model_of(field.annotation):
            yield group
            yield from groups_of(group)


def test_missing_pulumi_error_shows_the_install_command():
    script = "import sys; sys.modules['pulumi'] = None; import mailstack_infra; mailstack_infra.MailStack"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert re.search(r"Deploying needs pulumi, which the extra `infra` installs: pip install .*\[infra\]", done.stderr)
