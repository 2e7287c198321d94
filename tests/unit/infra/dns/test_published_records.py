"""The DNS records that the stack publishes, and the ones that it takes over."""

from typing import Any

import pytest
from pulumi.runtime import rpc

from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_localcloud.pulumi import wire
from tests.unit.infra.options import everywhere
from tests.unit.infra.program import TOKENS, Standing, run


@everywhere
def test_the_records_in_route_53_are_the_ones_in_the_outputs(stack: str, changed: dict[str, Any]):
    deployment = run(stack, **changed)
    published = {
        (r.inputs["name"], r.inputs["type"], *(value.replace('""', "") for value in r.inputs["records"]))
        for r in deployment.of("Record")
    }
    wanted = {(r.name, r.type, *r.values) for r in deployment.values.dns_records}
    if changed.get("dns") == "none":
        assert published == set()
        return
    assert {record for record in wanted - published if "._report._dmarc." not in record[0]} == set()
    assert published <= wanted
    assert all(r.inputs["ttl"] == 600 for r in deployment.of("Record"))


def test_a_preview_shows_dkim_records_whose_names_are_unknown():
    record = run("prod", preview=True).one("Record", "dkim-2").inputs
    assert (record["name"], record["records"]) == (wire.UNKNOWN, wire.UNKNOWN)
    assert (record["type"], record["ttl"]) == ("CNAME", 600)
    assert wire.UNKNOWN == rpc.UNKNOWN


def test_a_subdomain_publishes_in_its_parents_zone():
    records = run("dev", zone="example.com").of("Record")
    assert {record.inputs["zoneId"] for record in records} == {"Z0EXAMPLECOM"}
    assert "_dmarc.dev.example.com" in {record.inputs["name"] for record in records}


def test_a_record_outside_the_zone_is_reported_not_published():
    deployment = run("prod", dmarc={"reports": ["dmarc@example.org"]})
    name = "example.com._report._dmarc.example.org"
    assert name not in {record.inputs["name"] for record in deployment.of("Record")}
    assert name in {record.name for record in deployment.values.dns_records}
    (warning,) = (said for said in deployment.warnings if "not in the zone" in said)
    assert f'{name} is not in the zone example.com. Ask the owner of its zone to publish: TXT "v=DMARC1"' in warning


def test_without_a_zone_no_record_is_published():
    deployment = run("prod", dns="none", domain="example.org", sender="")
    assert deployment.of("Record") == []
    names = {record.name for record in deployment.values.dns_records}
    assert {"_dmarc.example.org", "bounce.example.org", f"{TOKENS[0]}._domainkey.example.org"} <= names


def test_a_long_txt_value_is_cut_as_the_provider_wants_it():
    logo = f"https://example.com/{'l' * 300}.svg"
    (value,) = run("prod", bimi={"logo": logo}).one("Record", "bimi").inputs["records"]
    first, second = value.split('""')
    assert len(first) == 255
    assert first + second == f"v=BIMI1; l={logo}"


def test_existing_records_are_overwritten_only_if_listed():
    records = run("prod", overwriteRecords=["dkim", "mail-from-mx"]).of("Record")
    taken = {record.name for record in records if record.inputs.get("allowOverwrite")}
    assert taken == {record.name for record in records if record.retained}
    assert taken == {"dkim-0", "dkim-1", "dkim-2", "mail-from-mx"}
    assert not [r for r in run("prod").of("Record") if "allowOverwrite" in r.inputs or r.retained]


def test_a_record_that_the_stack_does_not_have_is_not_taken_over():
    with pytest.raises(SettingsInvalid, match=r"overwriteRecords names bimi, and the stack publishes .*dkim, dmarc, "):
        run("prod", overwriteRecords=["bimi", "dmarc"])


def test_adopted_record_keeps_its_other_values():
    standing = (Standing("TXT", "example.com", '"token=1"|"v=spf1 include:_spf.example.net -all"'),)
    deployment = run("prod", spf=True, overwriteRecords="spf", standing=standing)
    record = deployment.one("Record", "spf")
    merged = "v=spf1 include:_spf.example.net include:amazonses.com -all"
    assert record.inputs["records"] == ["token=1", merged]
    assert record.retained
    (warning,) = (said for said in deployment.warnings if "is taken over" in said)
    assert "It has the value 'token=1' and 'v=spf1 include:_spf.example.net -all'" in warning
    assert f"and will have 'token=1' and '{merged}'. It is kept when the stack is destroyed." in warning


def test_values_of_others_stay_in_a_record_of_the_stacks_own():
    standing = (Standing("TXT", "_dmarc.example.com", '"v=DMARC1; p=reject"|"token=1"'),)
    record = run("prod", standing=standing).one("Record", "dmarc")
    assert record.inputs["records"][0] == "token=1"
    assert record.inputs["records"][1].startswith("v=DMARC1; p=quarantine")
    assert record.retained
    assert "allowOverwrite" not in record.inputs


def test_a_stricter_policy_is_lost_only_when_it_is_named():
    standing = (Standing("TXT", "_dmarc.example.com", '"v=DMARC1; p=reject"'),)
    with pytest.raises(SettingsInvalid, match=r"asks for reject, .* 'mailstack:dmarc\.replaces' reject"):
        run("prod", overwriteRecords="dmarc", standing=standing)
    replaced = {"policy": "none", "replaces": "reject"}
    assert run("prod", overwriteRecords="dmarc", dmarc=replaced, standing=standing).one("Record", "dmarc")
    stricter = {"policy": "reject", "confirmed": "quarantine"}
    assert run("prod", overwriteRecords="dmarc", dmarc=stricter, standing=standing).one("Record", "dmarc")


def test_a_policy_weaker_than_the_one_above_is_warned_of():
    standing = (Standing("TXT", "_dmarc.example.com", '"v=DMARC1; p=reject; sp=quarantine"'),)
    options: dict[str, Any] = {"domain": "mail.example.com", "zone": "example.com", "sender": "", "dmarc": {}}
    (warning,) = [said for said in run("prod", standing=standing, **options).warnings if "is weaker" in said]
    assert "of mail.example.com is weaker than that of example.com, which would ask for quarantine" in warning
    options["dmarc"] = {"publish": False}
    assert not [said for said in run("prod", standing=standing, **options).warnings if "is weaker" in said]


def test_a_missing_zone_is_reported_before_registration():
    with pytest.raises(SettingsInvalid, match=r"mailstack:zone.*public hosted zone that holds example\.org"):
        run("prod", domain="example.org", sender="", page=["oncall@example.org"])


def test_a_zone_named_by_id_must_hold_the_domain():
    with pytest.raises(SettingsInvalid, match=r"is example\.test, which does not hold example\.com"):
        run("prod", zone="Z0EXAMPLETEST")
