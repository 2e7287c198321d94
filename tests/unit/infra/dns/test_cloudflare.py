"""Records in Cloudflare: what the program registers, checked against the installed package's own types."""

import re
import sys
from typing import Any

import pulumi
import pytest

import mailstack_infra.dns
from mailer.install import install_command
from mailer.stack import DnsRecord
from mailstack_infra import MailStack, Settings
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_localcloud.pulumi import schema, wire
from tests.unit.infra.program import CLOUDFLARE_ZONES, TOKENS, Deployment, Registered, Standing, run, run_own

ZONE = CLOUDFLARE_ZONES["example.com"]
OURS = "mailstack prod"
LOGO = f"https://example.com/{'l' * 300}.svg"


def deployed(**changed: Any) -> Deployment:
    return run("prod", dns="cloudflare", spf=True, bimi={"logo": LOGO}, **changed)


def published(deployment: Deployment) -> dict[str, Registered]:
    return {r.name: r for r in deployment.resources if r.token == "cloudflare:index/dnsRecord:DnsRecord"}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_every_input_is_one_that_the_provider_has(preview: bool):
    from pulumi_cloudflare import DnsRecordArgs

    records = published(deployed(preview=preview))
    assert records
    for record in records.values():
        assert schema._check_object(schema._fields(DnsRecordArgs), record.inputs, "") == []
    broken = {**records["dmarc"].inputs, "contents": "x", "ttl": "600"}
    problems = [str(problem) for problem in schema._check_object(schema._fields(DnsRecordArgs), broken, "")]
    assert len(problems) == 2


def test_cloudflare_publishes_each_record_once_unproxied():
    deployment = deployed()
    records = [record.inputs for record in published(deployment).values()]
    assert {(r["name"], r["type"]) for r in records} == {(r.name, r.type) for r in deployment.values.dns_records}
    assert len(records) == len(deployment.values.dns_records)
    assert {(r["zoneId"], r["ttl"], r["proxied"], r["comment"]) for r in records} == {(ZONE, 600, False, OURS)}
    assert deployment.of("Record") == []


def test_a_program_may_give_the_provider_of_the_records():
    settings = Settings(domain="example.com", page=("oncall@example.com",), dns="cloudflare")

    def program() -> None:
        MailStack("mail", settings, dns_provider=pulumi.ProviderResource("cloudflare", "zones", {}))

    deployment = run_own(program)
    assert {"::zones::" in record.provider for record in published(deployment).values()} == {True}
    asked = {token: provider for token, provider in deployment.asked if token.startswith("cloudflare:")}
    assert {"::zones::" in provider for provider in asked.values()} == {True}


def test_each_type_has_the_form_that_cloudflare_gives_back():
    found = {name: record.inputs for name, record in published(deployed()).items()}
    assert found["dkim-0"]["content"] == f"{TOKENS[0]}.dkim.amazonses.com"
    assert found["dkim-0"]["name"] == f"{TOKENS[0]}._domainkey.example.com"
    mx = found["mail-from-mx"]
    assert (mx["priority"], mx["content"]) == (10, "feedback-smtp.us-east-1.amazonses.com")
    assert found["mail-from-spf"]["content"] == '"v=spf1 include:amazonses.com ~all"'
    assert [name for name, inputs in found.items() if "priority" in inputs] == ["mail-from-mx"]


def test_a_long_txt_value_is_several_quoted_strings():
    content = published(deployed())["bimi"].inputs["content"]
    first, second = content.split('" "')
    assert len(first) == 1 + 255
    assert f"{first}{second}" == f'"v=BIMI1; l={LOGO}"'


def test_a_preview_shows_dkim_records_whose_names_are_unknown():
    shown, made = deployed(preview=True), deployed()
    assert set(published(shown)) == set(published(made))
    dkim = published(shown)["dkim-2"].inputs
    assert (dkim["name"], dkim["content"], dkim["type"]) == (wire.UNKNOWN, wire.UNKNOWN, "CNAME")
    assert published(shown)["dmarc"].inputs == published(made)["dmarc"].inputs


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        (CLOUDFLARE_ZONES["example.test"], r"is example\.test, which does not hold example\.com"),
        ("f" * 32, r"Cloudflare zone 'f+' failed.*CLOUDFLARE_API_TOKEN"),
    ],
)
def test_a_missing_cloudflare_zone_is_reported_before_all_else(zone: str, words: str):
    with pytest.raises(SettingsInvalid, match=f"(?s){words}"):
        deployed(zone=zone)


DMARC = Standing("TXT", "_dmarc.example.com", '"v=DMARC1; p=none"')


@pytest.mark.parametrize(
    ("standing", "refused"),
    [
        (DMARC, True),
        (DMARC._replace(content="v=dmarc1;p=reject"), True),
        (DMARC._replace(comment="mailstack dev"), True),
        (DMARC._replace(type="CNAME", content="dmarc.example.org"), True),
        (DMARC._replace(comment=OURS), False),
        (DMARC._replace(content='"some-verification=1"'), False),
        (DMARC._replace(type="MX", content="mail.example.org"), False),
    ],
)
def test_conflicting_record_types_are_reported(standing: Standing, refused: bool):
    from mailstack_infra.dns.cloudflare import conflicting

    ours = DnsRecord(name="_dmarc.example.com", type="TXT", values=("v=DMARC1; p=quarantine",))
    assert list(conflicting(ours, [standing._asdict()], OURS)) == ([standing._asdict()] if refused else [])


def test_every_record_conflicts_with_a_cname():
    from mailstack_infra.dns.cloudflare import conflicting

    ours = DnsRecord(name="links.example.com", type="CNAME", values=("r.us-east-1.awstrack.me",))
    assert list(conflicting(ours, [DMARC._replace(type="A", content="192.0.2.1")._asdict()], OURS))


@pytest.mark.parametrize("zone", ["example.com", ZONE], ids=["by name", "by id"])
def test_conflicting_cloudflare_records_are_refused_with_advice(zone: str):
    others = (DMARC, Standing("MX", "bounce.example.com", "mail.example.org"), Standing("TXT", "example.com", "x=1"))
    with pytest.raises(SettingsInvalid) as caught:
        deployed(standing=others, zone=zone)
    head, mx, take_mx, dmarc, take_dmarc, tail = str(caught.value).splitlines()
    assert "did not create" in head
    assert mx.split() == ["MX", "bounce.example.com", "mail.example.org"]
    assert dmarc.split() == ["TXT", "_dmarc.example.com", '"v=DMARC1;', 'p=none"']
    take_over = "pulumi import cloudflare:index/dnsRecord:DnsRecord {} {}/{:032x}"
    assert take_mx.strip() == take_over.format("mail-from-mx", ZONE, 0)
    assert take_dmarc.strip() == take_over.format("dmarc", ZONE, 0)
    assert "Nothing was deployed" in tail
    assert repr(OURS) in tail


def test_our_own_records_of_the_last_run_are_left_alone():
    ours = DMARC._replace(comment=OURS)
    assert set(published(deployed(standing=(ours,)))) == set(published(deployed()))


def test_missing_extra_error_shows_the_install_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pulumi_cloudflare", None)
    monkeypatch.delitem(sys.modules, "mailstack_infra.dns.cloudflare", raising=False)
    monkeypatch.delattr(mailstack_infra.dns, "cloudflare", raising=False)
    with pytest.raises(SettingsInvalid, match=re.escape(install_command("cloudflare"))):
        deployed(tags={"extra": "absent"})


def test_a_stack_elsewhere_does_without_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pulumi_cloudflare", None)
    monkeypatch.delitem(sys.modules, "mailstack_infra.dns.cloudflare", raising=False)
    monkeypatch.delattr(mailstack_infra.dns, "cloudflare", raising=False)
    assert run("prod", tags={"extra": "absent"}).of("Record")


def test_dmarc_weaker_than_the_parents_is_warned_of():
    above = (Standing("TXT", "_dmarc.example.com", '"v=DMARC1; p=reject; sp=quarantine"'),)
    options: dict[str, Any] = {"domain": "mail.example.com", "zone": "example.com", "sender": "", "dns": "cloudflare"}
    (warning,) = [said for said in run("prod", standing=above, dmarc={}, **options).warnings if "is weaker" in said]
    assert "of mail.example.com is weaker than that of example.com, which would ask for quarantine" in warning
    strict = {"policy": "reject", "confirmed": "quarantine"}
    for dmarc in ({"publish": False}, strict):
        found = run("prod", standing=above, dmarc=dmarc, **options)
        assert not [said for said in found.warnings if "is weaker" in said]
