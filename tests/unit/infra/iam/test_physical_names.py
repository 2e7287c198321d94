"""Every name that the program gives something in AWS is one that AWS takes, for settings that validation accepts."""

import random
import re
from functools import cache
from typing import Any

import pytest

from mailstack_infra.environment import Environment
from mailstack_infra.settings.loading import SettingsInvalid
from tests.unit.infra.options import ACCESS, KEPT_BY
from tests.unit.infra.program import Deployment, Sent, run

LETTERS = r"[A-Za-z0-9_-]"
DOMAIN = r"(?=.{1,253}\Z)(\*|[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)+"
IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
SES = "https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_{}.html"
# Type of resource and input → what the whole name must match, and who says so. None: the name is another resource's.
NAMES: dict[tuple[str, str], tuple[str, str] | None] = {
    ("SlackChannelConfiguration", "configurationName"): (
        rf"{LETTERS}{{1,128}}",
        "https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateSlackChannelConfiguration.html",
    ),
    ("CompositeAlarm", "alarmName"): (r"[\x20-\x7e]{1,255}", "CloudWatch API_PutCompositeAlarm"),
    ("MetricAlarm", "name"): (r"[\x20-\x7e]{1,255}", "CloudWatch API_PutMetricAlarm"),
    ("MetricAlarm", "metricName"): None,
    ("Dashboard", "dashboardName"): (rf"{LETTERS}{{1,255}}", "CloudWatch API_PutDashboard"),
    ("EventRule", "name"): (r"[.\-_A-Za-z0-9]{1,64}", "EventBridge API_PutRule"),
    ("LogGroup", "name"): (r"[.\-_/#A-Za-z0-9]{1,512}", "CloudWatch Logs API_CreateLogGroup"),
    ("Table", "name"): (r"[A-Za-z0-9_.-]{3,255}", "DynamoDB API_CreateTable"),
    ("Role", "name"): (r"[\w+=,.@-]{1,64}", IAM),
    ("User", "name"): (r"[\w+=,.@-]{1,64}", IAM),
    ("Policy", "name"): (r"[\w+=,.@-]{1,128}", IAM),
    ("RolePolicy", "name"): (r"[\w+=,.@-]{1,128}", IAM),
    ("InstanceProfile", "name"): (r"[\w+=,.@-]{1,128}", IAM),
    ("Alias", "name"): (r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}", "KMS API_CreateAlias"),
    ("Function", "name"): (rf"{LETTERS}{{1,64}}", "Lambda API_CreateFunction"),
    ("EventSourceMapping", "functionName"): None,
    ("Record", "name"): (DOMAIN, "RFC 1035 §2.3.4"),
    # Six characters behind a hyphen look like those that Secrets Manager appends.
    ("Secret", "name"): (r"(?!.*-[A-Za-z0-9]{6}\Z)[A-Za-z0-9/_+=.@-]{1,512}", "Secrets Manager API_CreateSecret"),
    ("ConfigurationSet", "configurationSetName"): (rf"{LETTERS}{{1,64}}", SES.format("CreateConfigurationSet")),
    ("ConfigurationSetEventDestination", "configurationSetName"): None,
    ("ConfigurationSetEventDestination", "eventDestinationName"): (
        rf"{LETTERS}{{1,64}}",
        SES.format("CreateConfigurationSetEventDestination"),
    ),
    ("DedicatedIpPool", "poolName"): (r"[a-z0-9_-]{1,64}", SES.format("CreateDedicatedIpPool")),
    ("EmailIdentity", "emailIdentity"): (rf"([^@\s]{{1,64}}@)?{DOMAIN}", SES.format("CreateEmailIdentity")),
    ("EmailIdentity", "configurationSetName"): None,
    ("EmailIdentityFeedbackAttributes", "emailIdentity"): None,
    ("EmailIdentityMailFromAttributes", "emailIdentity"): None,
    ("MultiRegionEndpoint", "endpointName"): (r"[\w-]{1,64}", SES.format("CreateMultiRegionEndpoint")),
    ("Tenant", "tenantName"): (rf"{LETTERS}{{1,64}}", SES.format("CreateTenant")),
    ("TenantResourceAssociation", "tenantName"): None,
    ("Topic", "name"): (rf"{LETTERS}{{1,256}}", "SNS API_CreateTopic"),
    ("Queue", "name"): (rf"{LETTERS}{{1,80}}", "SQS API_CreateQueue"),
    ("Parameter", "name"): (r"(?!.{1012})(/[A-Za-z0-9_.-]+){1,15}", "Systems Manager API_PutParameter"),
}
REGIONS = ("us-east-1", "ap-southeast-3", "eusc-de-east-1")
RULES = {key: (re.compile(rf"(?:{rule[0]})\Z", re.ASCII), rule[1]) for key, rule in NAMES.items() if rule}


def filled(start: str, length: int) -> str:
    """A name that begins so, of exactly this length."""
    return (start + "x" * length)[:length]


@cache
def deployed(seed: int) -> Deployment:
    """Everything that has a name, called as short, as long or as oddly as settings may have it."""
    chance = random.Random(seed)
    length = (1, 10**6, *(chance.randint(1, 10**6) for _ in range(seed)))[seed]

    def name(start: str, longest: int) -> str:
        return filled(start, 1 + (length - 1) % longest if length < 10**6 else longest)

    domain = ".".join(filled(letter, min(length, 40)) for letter in "abcd") + ".example.com"
    other = f"{name('news-', 20)}"
    pod, github = (ACCESS["oidc"][one] for one in ("pod", "deploys"))
    settings: dict[str, Any] = {
        "domain": domain,
        "zone": "example.com",
        "sender": "",
        "dmarc": {"reports": [f"dmarc@{filled('r', min(length, 20))}.example.org"]},
        "mailFrom": {"subdomain": name("m", 63)},
        "streams": {
            "transactional": {"firehose": KEPT_BY, "eventBridge": True, "dedicatedPool": other},
            other: {"firehose": KEPT_BY, "dedicatedPool": filled("q", 64) if length > 99 else "q"},
        },
        "pools": {other: {}},
        "tenants": {other: {}},
        "slack": {"workspace": "T07EA123LEP", "page": name("C", 255).upper()},
        "access": {**ACCESS, "oidc": {name("p", 19): pod, name("g", 19): github}},
    }
    return run(
        "prod",
        called=name(chance.choice(["a", "Zz-9", "9-", "PROD"]), 30),
        region=REGIONS[seed % 3],
        identity=Sent(mail_from=""),
        **settings,
    )


def names(deployment: Deployment) -> dict[tuple[str, str], set[str]]:
    """Every input that looks like a name, by type and input."""
    found: dict[tuple[str, str], set[str]] = {}
    for resource in deployment.aws:
        for key, value in resource.inputs.items():
            if isinstance(value, str) and (key.lower().endswith("name") or key == "emailIdentity"):
                found.setdefault((resource.token.rpartition(":")[2], key), set()).add(value)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_aws_takes_every_name_that_the_program_gives(seed: int):
    found = names(deployed(seed))
    assert found.keys() - NAMES.keys() == set(), "a name that the table above does not know"
    refused = [
        f"{kind}.{key}: {name} ({len(name)} characters; {RULES[kind, key][1]})"
        for (kind, key), given in found.items()
        if (kind, key) in RULES
        for name in given
        if not RULES[kind, key][0].match(name)
    ]
    assert refused == []


def test_long_and_capital_names_stay_apart():
    one, other = (Environment(stack, "123456789012", "us-east-1", "aws", {}) for stack in ("Prod", "prod"))
    assert other.lower_name("bulk") == "mailstack-prod-bulk"
    assert one.lower_name("bulk") == one.lower_name("bulk").lower() != other.lower_name("bulk")
    channels = {other.channel_name("C" + "A" * 200 + end) for end in "XY"}
    assert len(channels) == 2


@pytest.mark.parametrize("length", [209, 210])
def test_a_domain_must_leave_room_for_the_names_of_its_records(length: int):
    domain = ".".join("a" * 49 for _ in range(4)) + "." + "b" * (length - 208) + ".example.com"
    domain = domain[len(domain) - length :]
    settings: dict[str, Any] = {"domain": domain, "zone": "example.com", "sender": "", "dmarc": {}}
    if length == 209:
        assert run("prod", **settings).of("Record")
        return
    with pytest.raises(SettingsInvalid, match=r"254 characters; DNS allows 253\. The domain has 210: choose a shorter"):
        run("prod", **settings)
