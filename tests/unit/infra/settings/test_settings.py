import json
from pathlib import Path
from typing import Any

import pytest

from mailstack_infra import DnsAccess, MailStack, Secret
from mailstack_infra.settings.access import AccessSettings, SmtpUser
from mailstack_infra.settings.domain import Dmarc
from mailstack_infra.settings.loading import ENCRYPTED, SettingsInvalid, read
from mailstack_infra.settings.message_log import MessageLog
from mailstack_infra.settings.model import DEFAULT_STREAM, Settings
from mailstack_infra.settings.problems import allowed
from mailstack_infra.settings.stream import StreamSettings
from mailstack_infra.settings.tenant import Tenant
from mailstack_infra.settings.warm_up import WarmUp
from tests.unit.infra.program import ROOT, config_of, run, run_own
from tests.unit.infra.rsa import private
from tools.docs.settings_reference import markdown

SMALLEST = {"domain": "example.com", "page": "oncall@example.com"}
STREAM = "streams.transactional"
TRACKED: dict[str, Any] = {"events": "OPEN", "domain": "links.example.com"}
HEARD = {"eventBridge": True, "tracking": TRACKED}
EMPTY = dict.fromkeys(("transactional", "bulk", "news"), StreamSettings())
ACCESS = AccessSettings(smtp=SmtpUser(keys=(1,)), services=("ecs", "lambda"))
STRICT = {"dkimAlignment": "strict", "spfAlignment": "strict"}
# A value of each setting that may be a secret.
MARKED = {
    "allowedRecipients": "s3cret@example.org",
    "dkim": json.dumps({"selector": "m2026", "privateKey": private()}),
    "dnsAccess": json.dumps({"role": "arn:aws:iam::111122223333:role/s3cret", "externalId": "s3cret-id"}),
    "page": "s3cret@example.org",
    "warn": "s3cret@example.org",
}
ELSEWHERE = {**HEARD, "tracking": {**TRACKED, "target": "cdn.example.org"}}


def stream(options: dict[str, Any]) -> dict[str, Any]:
    return {"streams": {"transactional": options}}


def address(**changed: object) -> dict[str, Any]:
    return {"domain": None, "address": "ada@example.com", **changed}


def settings(**changed: object) -> Settings:
    values = {**SMALLEST, **changed}
    config = {f"mailstack:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in values.items() if v is not None}
    return read("dev", config)


def problems(**changed: object) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        settings(**changed)
    head, *lines = str(caught.value).splitlines()
    assert head.startswith("Pulumi.dev.yaml has ")
    return [line.strip() for line in lines]


def test_the_smallest_file_is_a_domain_and_who_is_paged():
    made = settings()
    assert (made.domain, made.page) == ("example.com", ("oncall@example.com",))
    assert (made.zone, made.sender, made.identity.mail_from_domain) == (
        "example.com",
        "no-reply@example.com",
        "bounce.example.com",
    )


def test_single_address_replaces_the_domain():
    made = settings(**address())
    assert (made.identity.name, made.sender, made.senders) == (
        "ada@example.com",
        "ada@example.com",
        ("ada@example.com",),
    )
    assert (made.domain, made.zone, made.identity.mail_from_domain) == ("", "", "")
    named = settings(**address(address="Ada@Example.COM", sender="Ada Lovelace <Ada@example.com>"))
    assert (named.identity.name, named.sender) == ("Ada@example.com", "Ada Lovelace <Ada@example.com>")


def test_page_is_optional_for_an_address_below_test():
    assert settings(**address(address="ada@example.test", page=None)).page == ()


def test_defaults_are_safe():
    made = settings()
    stream = made.streams[DEFAULT_STREAM]
    assert made.protect
    assert made.dkim.key_length == 2048
    assert made.dmarc.policy == "none"
    assert not made.spf
    assert (stream.tls, stream.suppress, stream.guard) == ("REQUIRE", ("BOUNCE", "COMPLAINT"), True)


def test_default_rates_act_before_aws_reviews_or_pauses():
    stream = settings().streams[DEFAULT_STREAM]
    assert stream.bounce_rate.warning < 0.05 < stream.bounce_rate.critical < 0.10
    assert stream.complaint_rate.warning < 0.001 < stream.complaint_rate.critical < 0.005


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_the_files_of_the_repository_are_valid(stack: str):
    assert read(stack, config_of(stack)).domain


def test_environments_differ_where_they_should():
    dev, prod, local = (read(stack, config_of(stack)) for stack in ("dev", "prod", "local"))
    assert prod.protect
    assert not dev.protect
    assert not local.protect
    assert dev.allowed_recipients
    assert not prod.allowed_recipients
    assert (dev.dmarc.policy, prod.dmarc.policy) == ("none", "quarantine")
    assert dev.log_retention_days < prod.log_retention_days
    assert local.alarm_period_seconds < prod.alarm_period_seconds
    assert local.domain == "example.test"


@pytest.mark.parametrize(
    ("key", "value", "attribute", "expected"),
    [
        ("domain", "Bücher.Example.", "domain", "xn--bcher-kva.example"),
        ("page", ["a@example.org", "https://events.example.org/x?key=1"], "page", ("a@example.org", "https://events.example.org/x?key=1")),
        ("zone", "Z0123456789ABC", "zone", "Z0123456789ABC"),
        ("zone", "/hostedzone/Z0123456789ABC", "zone", "Z0123456789ABC"),
        ("zone", "Example.com.", "zone", "example.com"),
        ("sender", "Ada Lovelace <ada@mail.example.com>", "sender", "Ada Lovelace <ada@mail.example.com>"),
        ("protect", "false", "protect", False),
        ("protect", False, "protect", False),
        ("logRetentionDays", "365", "log_retention_days", 365),
        ("messageLog", {"days": "30"}, "message_log", MessageLog(days=30)),
        ("messageLog", "", "message_log", MessageLog()),
        ("warmUp", {"starts": "2026-12-01", "first": "50"}, "warm_up", WarmUp(starts="2026-12-01", first=50)),
        ("warmUp", "", "warm_up", WarmUp()),
        ("functionConcurrency", 5, "function_concurrency", 5),
        ("alarmPeriodSeconds", 120, "alarm_period_seconds", 120),
        ("allowedRecipients", "*@example.org", "allowed_recipients", ("*@example.org",)),
        ("allowedRecipients", "[]", "allowed_recipients", ()),
        ("allowedRecipients", '["a@example.org", "*@b.test"]', "allowed_recipients", ("a@example.org", "*@b.test")),
        ("page", "a@example.org, b@example.org", "page", ("a@example.org", "b@example.org")),
        ("page", "https://example.org/x?a,b", "page", ("https://example.org/x?a,b",)),
        ("page", "https://example.org/x,a@example.org", "page", ("https://example.org/x", "a@example.org")),
        ("warn", '["a@example.org"]', "warn", ("a@example.org",)),
        ("tags", {"cost-center": 1234, "critical": True}, "tags", {"cost-center": "1234", "critical": "true"}),
        ("streams", {"transactional": None, "bulk": "{}", "news": ""}, "streams", EMPTY),
        ("tenants", {"acme": None}, "tenants", {"acme": Tenant()}),
        ("pools", "", "pools", {}),
        ("dmarc", "", "dmarc", Dmarc()),
        ("access", {"smtp": {"keys": 1}, "services": "ecs,lambda"}, "access", ACCESS),
        ("secondaryRegion", "eusc-de-east-1", "secondary_region", "eusc-de-east-1"),
    ],
)  # fmt: skip
def test_settings_are_read_and_tidied(key: str, value: object, attribute: str, expected: object):
    domain = "bücher.example" if key == "domain" else "example.com"
    assert getattr(settings(**{"domain": domain, key: value}), attribute) == expected


@pytest.mark.parametrize(
    ("changed", "key", "words"),
    [
        ({"domain": None}, "domain", "found nothing, but a stack needs a domain or an address to send from"),
        ({"domain": None}, "domain", "or mailstack:address instead, a single one"),
        ({"address": "ada@example.com"}, "domain", "mailstack:address is ada@example.com: set only one"),
        ({"domain": None, "address": "ada"}, "address", "found 'ada', but it is not an e-mail address"),
        (address(sender="eve@example.com"), "sender", "it is not ada@example.com"),
        (address(zone="example.com"), "zone", "a single address has no DNS records"),
        (address(spf=True), "spf", "a single address has no DNS records"),
        (address(mailFrom={"subdomain": "m"}), "mailFrom", "a single address has no DNS records"),
        (address(dmarc={"reports": ["a@example.com"]}), "dmarc", "a single address has no DNS records"),
        (address(overwriteRecords="dmarc"), "overwriteRecords", "a single address has no DNS records"),
        (address(**stream({"eventBridge": True, "tracking": TRACKED})), "streams", "which a stack of a single address"),
        (address(page=None), "page", "found nothing, but a stack needs at least one recipient of pages"),
        ({"warmUp": {"starts": "soon"}}, "warmUp.starts", "found 'soon', but it is not a day such as 2026-12-01"),
        ({"warmUp": {"growth": 1}}, "warmUp.growth", "found 1; allowed: a number from 1.05 to 3"),
        ({"warmUp": {"first": 500, "target": 100}}, "warmUp.target", "it must not be below first, which is 500"),
        ({"warmUp": {"first": 0}}, "warmUp.first", "found 0; allowed: a whole number from 1"),
        ({"domain": "nope"}, "domain", "found 'nope', but it is not a domain name"),
        ({"domain": "192.0.2.1"}, "domain", "not a domain name"),
        ({"domain": "-a.example.com"}, "domain", "not a domain name"),
        ({"domain": "a" * 64 + ".example.com"}, "domain", "DNS cannot hold this name"),
        ({"page": None}, "page", "found nothing, but a stack needs at least one recipient of pages"),
        ({"page": "oncall"}, "page.0", "found 'oncall', but it is not an e-mail address"),
        ({"page": ["a@example.com", "http://example.com"]}, "page.1", "not an e-mail address"),
        ({"page": "https://localhost/x"}, "page.0", "not an https URL"),
        ({"page": ["a@example.com", "a@example.com"]}, "page", "duplicate value"),
        ({"warn": ["a@example.com", "a@example.com"]}, "warn", "duplicate value"),
        ({"warn": "team"}, "warn.0", "found 'team', but it is not an e-mail address"),
        ({"slack": {"page": "C07EZ1ABC23"}}, "slack.warn", "workspace and a channel must be set together"),
        ({"slack": {"workspace": "T07EA123LEP", "page": "#alerts"}}, "slack.page", "allowed: a channel's id such as"),
        ({"watchAccount": "maybe"}, "watchAccount", "found 'maybe'; allowed: true or false"),
        ({"zone": "example.org"}, "zone", "it does not hold example.com"),
        ({"zone": "ample.com"}, "zone", "it does not hold example.com"),
        ({"sender": "no-reply@example.org"}, "sender", "it is not at example.com"),
        ({"sender": "a@badexample.com"}, "sender", "it is not at example.com"),
        ({"sender": "Ada\nBcc: x <ada@example.com>"}, "sender", "line break"),
        ({"sender": "nobody"}, "sender", "not an e-mail address"),
        ({"allowedSenders": "*@example.org"}, "allowedSenders", "*@example.org is not at example.com or below it"),
        ({"allowedSenders": "*@*.example.com"}, "allowedSenders.0", "it must name one domain after the @"),
        ({"allowedSenders": "${aws:username}@example.com"}, "allowedSenders.0", "the part before the @ must be"),
        ({"allowedSenders": "news@example.com"}, "allowedSenders", "it does not include no-reply@example.com"),
        ({"allowedSenders": "No-Reply@example.com"}, "allowedSenders", "it does not include no-reply@example.com"),
        (address(allowedSenders="*@example.com"), "allowedSenders", "*@example.com is not ada@example.com"),
        ({"access": {"bulk": True}, "allowedRecipients": "*@b.test"}, "access", "remove one of the two"),
        ({"spf": "perhaps"}, "spf", "found 'perhaps'; allowed: true or false"),
        ({"mailFrom": {"subdomain": "a.b"}}, "mailFrom.subdomain", "not one label"),
        ({"mailFrom": {"onMxFailure": "GIVE_UP"}}, "mailFrom.onMxFailure", "USE_DEFAULT_VALUE or REJECT_MESSAGE"),
        ({"mailFrom": "bounce"}, "mailFrom", "found 'bounce'; allowed: subdomain and onMxFailure"),
        ({"dkim": {"keyLength": 4096}}, "dkim.keyLength", "found 4096; allowed: 1024 or 2048"),
        ({"dkim": {"selector": "own"}}, "dkim.privateKey", "selector and privateKey must be set together"),
        ({"dkim": {"selector": "own", "privateKey": "x"}}, "dkim.privateKey", "not an RSA private key"),
        ({"dkim": {"privateKey": "x"}}, "dkim.privateKey", "found a secret, but selector and privateKey must"),
        ({"dkim": {"previous": {"m2025": "soon"}}}, "dkim.previous.m2025", "found 'soon'; allowed: selectors, each"),
        ({"dkim": {"previous": {"a.b": "2030-01-01"}}}, "dkim.previous", "not one label"),
        ({"dmarc": {"policy": "strict"}}, "dmarc.policy", "found 'strict'; allowed: none, quarantine or reject"),
        ({"dmarc": {"testing": 10}}, "dmarc.testing", "found 10; allowed: true or false"),
        ({"dmarc": {"subdomainPolicy": "reject"}}, "dmarc.confirmed", "policy reject comes after quarantine"),
        ({"dmarc": {"policy": "reject", "testing": True}}, "dmarc.confirmed", "policy reject comes after quarantine"),
        ({"dmarc": {"nonexistentPolicy": "drop"}}, "dmarc.nonexistentPolicy", "found 'drop'"),
        ({"dmarc": {"publish": False, "testing": True}}, "dmarc", "there is no record: remove its other settings"),
        ({"sender": "a@m.example.com", "dmarc": STRICT}, "dmarc", "mail from m.example.com would fail DMARC"),
        ({"dmarc": {"reports": ["x"]}}, "dmarc.reports.0", "found 'x'"),
        ({"dmarc": {"policy": "quarantine"}}, "dmarc.confirmed", "policy quarantine comes after none"),
        ({"dmarc": {"policy": "reject"}}, "dmarc.confirmed", "policy reject comes after quarantine"),
        ({"dmarc": {"policy": "reject", "confirmed": "none"}}, "dmarc.confirmed", "reject comes after quarantine"),
        ({"dmarc": {"failureReports": ["x"]}}, "dmarc.failureReports.0", "found 'x'"),
        ({"bimi": {"logo": "https://example.com/l.svg"}}, "bimi", "a logo only if dmarc.policy"),
        ({"bimi": {"logo": "http://example.com/l.svg"}}, "bimi.logo", "not an https URL"),
        ({"bimi": {"logo": "https://example.com/l.svg; a=x"}}, "bimi.logo", "not an https URL"),
        ({"bimi": {"certificate": "https://example.com/c.pem"}}, "bimi", "a certificate needs a logo"),
        ({"dns": "bind"}, "dns", "found 'bind'; allowed: route53, cloudflare or none"),
        ({"dns": "cloudflare", "zone": "Z0123456789ABC"}, "dns", "Z0123456789ABC is a zone id of Route 53"),
        ({"zone": "0" * 32}, "dns", "is a zone id of Cloudflare"),
        ({"dns": "cloudflare", "overwriteRecords": "spf"}, "overwriteRecords", "cannot take over records"),
        ({"overwriteRecords": True}, "overwriteRecords.0", "found 'true'; allowed: dkim, dmarc, mail-from-mx"),
        ({"streams": {"bulk": {}}}, "streams", "the stream transactional is missing"),
        ({"streams": {"transactional": {}, "A b": {}}}, "streams", "'A b' is not a valid name of a stream"),
        (stream({"maxDeliverySeconds": 60}), f"{STREAM}.maxDeliverySeconds", "from 300 to 50400"),
        (stream({"dedicatedPool": "A pool"}), f"{STREAM}.dedicatedPool", "the name of a pool"),
        (stream({"firehose": "mail"}), f"{STREAM}.firehose", "not the ARN of a Firehose stream"),
        (stream({"vdm": {"engagementMetrics": "yes"}}), f"{STREAM}.vdm.engagementMetrics", "ENABLED or DISABLED"),
        (stream({"tracking": {"events": "CLICK"}}), "streams", "go nowhere"),
        (stream({"tracking": {"domain": "l.example.com"}}), "streams", "tracks no events"),
        (stream({**HEARD, "tracking": {**TRACKED, "domain": "bounce.example.com"}}), "streams", "MAIL FROM"),
        ({"streams": {"transactional": HEARD, "bulk": ELSEWHERE}}, "streams", "bulk shares its tracking domain"),
        ({"takeOver": "records"}, "takeOver", "the stack owns its identity completely"),
        ({"adopt": True, "takeOver": "dkim"}, "takeOver.0", "found 'dkim'; allowed: mailFrom, feedback, records"),
        ({"adopt": True, "spf": True}, "takeOver", "spf is on"),
        ({"adopt": True, "dmarc": {"reports": "a@example.com"}}, "dmarc", "or add records to takeOver"),
        ({"adopt": True, "feedbackForwarding": True}, "feedbackForwarding", "or add feedback to takeOver"),
        ({"adopt": True, "takeOver": "records", "mailFrom": {"subdomain": "b"}}, "mailFrom", "add mailFrom to"),
        ({"adopt": True, "dkim": {"keyLength": 1024}}, "dkim", "the owner of an adopted identity sets its DKIM keys"),
        (stream({"eventBridge": True, "tracking": {"events": "OPEN", "domain": "l.test"}}), "streams", "is not below"),
        (stream({"tracking": {"domain": "l.example.com", "https": "REQUIRE"}}), f"{STREAM}.tracking.target", "a CDN"),
        ({"secondaryRegion": "Ireland"}, "secondaryRegion", "allowed: a region such as eu-west-1"),
        (stream({"configurationSet": "a b"}), f"{STREAM}.configurationSet", "allowed: letters, digits, _ and -"),
        ({"tenants": {"A B": {}}}, "tenants", "'A B' is not a valid name of a tenant"),
        ({"tenants": {"acme": {"streams": "bulk"}}}, "tenants", "acme names streams that do not exist: bulk"),
        ({"pools": {"Receipts": {}}}, "pools", "'Receipts' is not a valid name of a pool"),
        ({"pools": {"receipts": {}}}, "pools", "no stream uses receipts"),
        ({"pools": {"receipts": {"scaling": "AUTO"}}}, "pools.receipts.scaling", "allowed: MANAGED or STANDARD"),
        (stream({"metrics": {"dimensions": {"a b": {}}}}), f"{STREAM}.metrics.dimensions", "'a b' is not a valid name"),
        (
            stream({"metrics": {"dimensions": {str(n): {} for n in range(11)}}}),
            f"{STREAM}.metrics.dimensions",
            "SES allows 10",
        ),
        (stream({"metrics": {"dimensions": {"ses:configuration-set": {}}}}), f"{STREAM}.metrics.dimensions", "already"),
        (
            stream({"metrics": {"dimensions": {"kind": {"source": "BODY"}}}}),
            f"{STREAM}.metrics.dimensions.kind.source",
            "found 'BODY'; allowed: MESSAGE_TAG, EMAIL_HEADER or LINK_TAG",
        ),
        (
            stream({"metrics": {"dimensions": {"kind": {"default": "ü"}}}}),
            f"{STREAM}.metrics.dimensions.kind.default",
            "allowed: 1 to 256 ASCII",
        ),
        (stream({"reputationMetrics": False}), f"{STREAM}.guard", "the guard needs rates"),
        (stream({"metrics": {"events": "OPEN"}}), f"{STREAM}.metrics", "requires tracking"),
        (stream({"metrics": {"events": []}}), f"{STREAM}.metrics.events", "found nothing; allowed: SES's event types"),
        ({"account": {"vdm": True}}, "account", "does not own the account"),
        ({"ownsAccount": True, "account": {"suppress": []}}, "account.suppress", "found nothing"),
        (stream({"tls": "NO"}), f"{STREAM}.tls", "REQUIRE or OPTIONAL"),
        (stream({"suppress": []}), f"{STREAM}.suppress", "found nothing"),
        (stream({"minimumSends": 0}), f"{STREAM}.minimumSends", "found 0; allowed: a whole number of at least 1"),
        (stream({"bounceRate": {"critical": 0.2}}), f"{STREAM}.bounceRate.critical", "at most 0.1"),
        (stream({"bounceRate": {"warning": 0.09}}), f"{STREAM}.bounceRate.critical", "above warning, which is"),
        (stream({"complaintRate": {"critical": 5}}), f"{STREAM}.complaintRate.critical", "at most 0.005"),
        ({"allowedRecipients": ["*"]}, "allowedRecipients.0", "it must name one domain"),
        ({"allowedRecipients": ["*@*"]}, "allowedRecipients.0", "it must name one domain"),
        ({"alarmPeriodSeconds": 45}, "alarmPeriodSeconds", "does not support this period"),
        ({"messageLog": {"days": -1}}, "messageLog.days", "0 to 3653"),
        ({"messageLog": {"days": 3654}}, "messageLog.days", "0 to 3653"),
        ({"logRetentionDays": 31}, "logRetentionDays", "does not support this number of days"),
        ({"functionConcurrency": 1}, "functionConcurrency", "found '1'; allowed: a whole number from 2 to 1000"),
        ({"tags": {"aws:x": "y"}}, "tags", "which AWS reserves"),
        ({"tags": {"mailstack": "y"}}, "tags", "mailstack is the stack's own tag"),
        ({"tags": {"Team": "a", "team": "b"}}, "tags", "only by case"),
        ({"tags": {"a;b": "c"}}, "tags", "'a;b' is not a valid name of a tag"),
        ({"tags": {"a": "x" * 257}}, "tags", "AWS does not allow the value"),
        ({"tags": {"a": "<b>"}}, "tags", "AWS does not allow the value '<b>' of a"),
        ({"tags": {f"t{n}": "x" for n in range(50)}}, "tags", "there are 50; AWS allows 49"),
    ],
)  # fmt: skip
def test_an_error_names_the_setting_its_value_and_allowed_values(changed: dict[str, Any], key: str, words: str):
    (problem,) = problems(**changed)
    assert problem.startswith(f"mailstack:{key}: found ")
    assert words in problem
    assert "; allowed: " in problem
    assert "pulumi config set --path 'mailstack:" in problem


@pytest.mark.parametrize(
    ("policy", "confirmed"),
    [
        *(("none", ""), ("quarantine", "none"), ("quarantine", "quarantine"), ("reject", "quarantine")),
        *(("reject", "reject"), ("none", "reject")),
    ],
)
def test_dmarc_may_tighten_one_step_and_loosen_at_any_time(policy: str, confirmed: str):
    assert settings(dmarc={"policy": policy, "confirmed": confirmed}).dmarc.policy == policy


@pytest.mark.parametrize(
    "dmarc",
    [
        {"policy": "none", "confirmed": "none"},
        {"policy": "quarantine", "confirmed": "none", "testing": True},
        {"policy": "quarantine", "confirmed": "none", "subdomainPolicy": "none"},
    ],
)
def test_a_logo_waits_for_dmarc_to_be_enforced_for_all_mail(dmarc: dict[str, Any]):
    (problem,) = problems(dmarc=dmarc, bimi={"logo": "https://example.com/logo.svg"})
    assert "dmarc.testing is off" in problem


def test_one_error_lists_every_problem():
    found = problems(
        domain="nope", page=None, dmarc={"policy": "x", "testing": 0.5}, logRetentionDays=2, protect="maybe", pages="x"
    )
    keys = [problem.split(": ")[0].removeprefix("mailstack:") for problem in found]
    assert keys == ["domain", "page", "dmarc.policy", "dmarc.testing", "logRetentionDays", "protect", "pages"]


def test_a_misspelt_key_gets_a_suggestion():
    (problem,) = problems(dmarc={"polcy": "none"})
    assert problem == (
        "mailstack:dmarc.polcy: unknown setting. Did you mean policy? "
        "Remove it: pulumi config rm --path 'mailstack:dmarc.polcy'"
    )


def test_a_share_of_mail_is_refused_with_what_came_instead():
    (problem,) = problems(dmarc={"percent": 10})
    assert problem.startswith("mailstack:dmarc.percent: unknown setting. Receivers ignore `pct`")
    assert "stage it with `testing: true`. Remove it: pulumi config rm --path" in problem


def test_unknown_setting_error_lists_the_known_ones():
    (problem,) = problems(streams={"transactional": {"colour": "red"}})
    assert (
        "There are: configurationSet, tls, suppress, maxDeliverySeconds, dedicatedPool, vdm, eventBridge, " in problem
    )
    assert "firehose, tracking, metrics, reputationMetrics, bounceRate, complaintRate, minimumSends, guard." in problem


def test_the_path_in_the_command_is_one_that_pulumi_takes():
    (problem,) = problems(page=["a@example.com", "x"])
    assert "pulumi config set --path 'mailstack:page[1]' VALUE" in problem


def test_page_is_optional_for_a_domain_below_test():
    assert settings(domain="example.test", page=None).page == ()


def test_an_encrypted_value_is_not_shown():
    with pytest.raises(SettingsInvalid) as caught:
        read("dev", {"mailstack:domain": "example.com", "mailstack:page": "hunter2"}, secret=["mailstack:page"])
    assert "hunter2" not in str(caught.value)
    assert "found a secret" in str(caught.value)


def test_a_private_key_must_be_encrypted_and_is_shown_nowhere():
    key = private(pem=True)
    config = {"mailstack:domain": "example.com", "mailstack:page": "a@example.com"}
    config["mailstack:dkim"] = json.dumps({"selector": "own", "privateKey": key})
    with pytest.raises(SettingsInvalid, match=r"dkim\.privateKey: found a key in plain text") as caught:
        read("dev", config)
    made = read("dev", config, secret=["mailstack:dkim"])
    assert made.dkim.selector == "own"
    assert key[40:80] not in str(caught.value) + repr(made)


def test_configuration_of_other_namespaces_is_passed_over():
    assert read("dev", {"aws:region": "us-east-1", **{f"mailstack:{k}": v for k, v in SMALLEST.items()}})


@pytest.mark.parametrize("stack", ["my.stack", "a_b", "x" * 31, ""])
def test_stack_name_unfit_for_resource_names_is_refused(stack: str):
    with pytest.raises(SettingsInvalid, match="pulumi stack rename"):
        read(stack, {f"mailstack:{key}": value for key, value in SMALLEST.items()})


def test_a_stream_may_be_called_like_a_setting():
    assert allowed(("streams", "guard", "tls"), Settings) == "REQUIRE or OPTIONAL"


def test_the_reference_is_what_the_model_says():
    written = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert written == markdown() + "\n", "run: make docs"


def test_the_reference_says_what_is_allowed_for_every_setting():
    rows = [line for line in markdown().splitlines() if line.startswith("| `mailstack:")]
    assert len(rows) >= 30
    for row in rows:
        _, key, purpose, words, *_ = row.split("|")
        assert purpose.strip(), key
        assert words.strip(), key


# --- Secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(str(field.alias) for field in Settings.model_fields.values()))
def test_a_secret_stays_encrypted_or_is_refused_with_the_command(key: str):
    """No value of a secret setting may stand in the state in plain text: not in an input, a name or an output."""
    value = MARKED.get(key, "s3cret-v4lue")
    config = {**{f"mailstack:{name}": text for name, text in SMALLEST.items()}, f"mailstack:{key}": value}
    if key not in ENCRYPTED:
        with pytest.raises(SettingsInvalid) as caught:
            read("dev", config, [f"mailstack:{key}", "aws:secretKey"])
        assert f"pulumi config set --plaintext mailstack:{key} VALUE" in str(caught.value)
        assert "s3cret" not in str(caught.value)
        return
    changed: dict[str, Any] = {key: json.loads(value) if value.startswith("{") else value}
    deployment = run("prod", secret=(key,), **changed)
    mark = json.loads(value)["privateKey"][60:100] if "privateKey" in value else "s3cret"
    everywhere = [(r, name, json.dumps(given)) for r in deployment.resources for name, given in r.inputs.items()]
    holding = [(r, name) for r, name, text in everywhere if mark in text]
    assert holding
    assert [(r.urn, name) for r, name in holding if name not in r.secret] == []
    told = [*deployment.warnings, *deployment.said, json.dumps(deployment.exports, default=str)]
    assert not [text for text in told if mark in text]
    assert not [r.urn for r in deployment.resources if mark in r.urn]


def test_secret_recipients_are_encrypted_in_every_policy():
    access = {"services": ["ecs"], "smtp": {"keys": [1], "readBySender": True}}
    variants: tuple[dict[str, Any], ...] = ({"access": access}, {"access": access, "encryption": "aws"})
    for options in variants:
        deployment = run("prod", secret=("allowedRecipients",), allowedRecipients=["s3cret@example.org"], **options)
        holding = [policy for policy in deployment.of("Policy") if "s3cret" in json.dumps(policy.inputs)]
        assert sorted(policy.name for policy in holding) == ["sender", "smtp"]
        assert [policy.secret for policy in holding] == [frozenset({"policy"})] * 2


def test_secret_dns_access_is_shown_in_no_error():
    secret = {"role": "arn:aws:iam::111122223333:role/s3cret", "externalId": "s3cret-id"}
    variants: tuple[dict[str, Any], ...] = ({"domain": "example.org", "sender": ""}, {"region": "us-gov-west-1"})
    for changed in variants:
        with pytest.raises(SettingsInvalid) as caught:
            run("prod", secret=("dnsAccess",), dnsAccess=secret, **changed)
        assert "s3cret" not in str(caught.value)
        assert "[secret]" in str(caught.value)


def test_secret_inputs_are_encrypted():
    access = DnsAccess(profile=Secret("s3cret"))
    marked = Settings(
        domain="example.com", page=("a@example.com",), allowed_recipients=(Secret("*@example.org"),), dns_access=access
    )

    def program() -> None:
        MailStack("mail", marked)

    deployment = run_own(program)
    (provider,) = (each for each in deployment.resources if each.token == "pulumi:providers:aws")
    assert "profile" in provider.secret
    assert deployment.one("Policy", "sender").secret == {"policy"}
    assert "s3cret" not in repr(marked)
    with pytest.raises(SettingsInvalid) as caught:
        DnsAccess(role=Secret("s3cret"))
    assert "found a secret, but it is not the ARN" in str(caught.value)


def test_brand_is_read_from_keys_or_a_file(tmp_path: Path):
    fields = {"name": "Example", "postalAddress": "1 Example Street", "dark": {"card": "#000000"}, "text": "#1f2937"}
    made = {"name": "Example", "postal_address": "1 Example Street", "dark": {"card": "#000000"}}
    assert settings(brand=fields).brand == made
    file = tmp_path / "brand.toml"
    file.write_text('name = "Example"\npostal_address = "1 Example Street"\n[dark]\ncard = "#000000"\n')
    assert settings(brand=str(file)).brand == made
    assert settings().brand == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"accnet": "#000000"}, "accnet: Extra inputs are not permitted"),
        ({"accent": "yellow"}, "accent: String should match"),
        ({"website": "javascript:alert(1)"}, "website: "),
        ("absent.toml", "The brand file cannot be read: No such file"),
    ],
)
def test_wrong_brand_is_refused_before_deployment(given: object, said: str):
    (problem,) = problems(brand=given)
    assert problem.startswith("mailstack:brand: found ")
    assert said in problem
