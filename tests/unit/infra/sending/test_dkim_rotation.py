"""A change of DKIM keys keeps mail verifiable."""

from typing import Any

import pytest

from mailstack_infra.settings.loading import SettingsInvalid
from tests.unit.infra.program import TOKENS, Sent, Standing, run
from tests.unit.infra.rsa import private


def test_an_adopted_identity_keeps_its_mail_from_domain():
    values = run("prod", adopt=True, mailFrom={}, dmarc={}).values
    assert values.mail_from_domain == "owner.example.com"
    assert [record.type for record in values.dns_records] == ["CNAME"] * 3


@pytest.mark.parametrize(
    ("region", "target"), [("us-east-1", "dkim.amazonses.com"), ("eu-south-1", "dkim.eu-south-1.amazonses.com")]
)
def test_dkim_records_point_where_the_region_keeps_its_keys(region: str, target: str):
    deployment = run("prod", region=region)
    records = [deployment.one("Record", f"dkim-{number}").inputs for number in range(3)]
    assert [record["records"] for record in records] == [[f"{token}.{target}"] for token in TOKENS]
    assert [record["name"] for record in records] == [f"{token}._domainkey.example.com" for token in TOKENS]


OWN = Sent(origin="EXTERNAL", tokens=("m2025",))


OLD_KEY = Standing("TXT", "m2025._domainkey.example.com", '"v=DKIM1; k=rsa; p=AAAA"')


SECRET = ("dkim",)


def rotated(selector: str = "m2026", **previous: str) -> dict[str, Any]:
    return {"dkim": {"selector": selector, "privateKey": private(pem=True), "previous": previous}}


def test_an_earlier_key_stays_published_until_its_day():
    deployment = run("prod", secret=SECRET, identity=OWN, standing=(OLD_KEY,), **rotated(m2025="2999-12-31"))
    old, new = (deployment.one("Record", f"dkim.{selector}").inputs for selector in ("m2025", "m2026"))
    assert (old["name"], old["records"]) == ("m2025._domainkey.example.com", ["v=DKIM1; k=rsa; p=AAAA"])
    assert new["name"] == "m2026._domainkey.example.com"
    later = run("prod", secret=SECRET, identity=OWN, standing=(OLD_KEY,), **rotated(m2025="2020-01-01"))
    assert [record.name for record in later.of("Record") if record.name.startswith("dkim.")] == ["dkim.m2026"]


@pytest.mark.parametrize(
    ("changed", "standing", "words"),
    [
        (
            rotated(),
            (OLD_KEY,),
            r"SES currently signs with the selector m2025, .*'mailstack:dkim\.previous\.m2025' YYYY",
        ),
        ({"dkim": {}}, (OLD_KEY,), "SES currently signs with the selector m2025"),
        (rotated("m2025"), (OLD_KEY,), r"m2025\._domainkey\.example\.com has another key"),
        (rotated(m2025="2999-12-31"), (), r"previous names m2025, but the zone has no key at m2025"),
    ],
)
def test_a_rotation_that_breaks_signatures_is_refused(
    changed: dict[str, Any], standing: tuple[Standing, ...], words: str
):
    with pytest.raises(SettingsInvalid, match=words):
        run("prod", secret=SECRET, identity=OWN, standing=standing, **changed)


EASY: dict[str, Any] = {"dkim": {}}


@pytest.mark.parametrize(
    ("before", "changed", "kept"),
    [
        (OWN, rotated(), ("m2025._domainkey.example.com", "TXT")),
        (OWN, EASY, ("m2025._domainkey.example.com", "TXT")),
        (Sent(), rotated(), (", ".join(f"{token}._domainkey.example.com" for token in TOKENS), "CNAME")),
        (OWN, rotated("m2025"), None),
        (Sent(), EASY, None),
        (Sent(status=""), rotated(), None),
        (OWN, rotated(m2025="2999-12-31"), None),
    ],
)
def test_deployment_lists_dkim_records_to_keep(before: Sent, changed: dict[str, Any], kept: tuple[str, str] | None):
    if before.status == "":
        before = before._replace(tokens=())
    warnings = run("prod", dns="none", secret=SECRET, identity=before, **changed).warnings
    told = [each for each in warnings if "Until this deployment" in each]
    if kept is None:
        assert told == []
        return
    (warning,) = told
    names, kind = kept
    assert f"Until this deployment SES signs with {names}. Keep that {kind} record for a week or more" in warning


def test_manual_publishers_see_until_when_an_old_key_stays():
    previous = {"m2025": "2999-12-31", "m2024": "2020-01-01"}
    said = run("prod", dns="none", secret=SECRET, identity=OWN, **rotated(**previous)).said
    assert any("Keep the TXT record m2025._domainkey.example.com until 2999-12-31" in each for each in said)
    assert any("m2024._domainkey.example.com may be deleted: its last day was 2020-01-01" in each for each in said)


def test_the_same_key_under_its_selector_goes_on():
    first = run("prod", secret=SECRET, **rotated()).one("Record", "dkim.m2026").inputs["records"]
    standing = (Standing("TXT", "m2026._domainkey.example.com", f'"{first[0]}"'),)
    again = run(
        "prod", secret=SECRET, identity=Sent(origin="EXTERNAL", tokens=("m2026",)), standing=standing, **rotated()
    )
    assert again.one("Record", "dkim.m2026").inputs["records"] == first


@pytest.mark.parametrize(("origin", "warned"), [("AWS_SES", True), ("EXTERNAL", False), ("", False)])
def test_a_change_of_whose_key_signs_is_warned_of(origin: str, warned: bool):
    deployment = run("prod", secret=SECRET, identity=Sent(origin=origin, tokens=("m2026",)), **rotated())
    assert bool([said for said in deployment.warnings if "mail may be sent unsigned" in said]) is warned
