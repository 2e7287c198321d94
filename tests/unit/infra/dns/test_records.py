from typing import Any

import pytest

from mailstack_infra.dns import records as dns
from mailstack_infra.settings.identity import IdentitySettings
from mailstack_infra.settings.model import Settings


def settings(**values: Any) -> IdentitySettings:
    return Settings.model_validate({"domain": "example.com", "page": "oncall@example.com", **values}).identity


@pytest.mark.parametrize(
    "region",
    [
        *("af-south-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-5", "ca-west-1"),
        *("eu-central-2", "eu-south-1", "il-central-1", "me-central-1", "us-gov-east-1"),
    ],
)
def test_some_regions_have_a_dkim_domain_of_their_own(region: str):
    record = dns.dkim_record("token", "example.com", region)
    assert record.name == "token._domainkey.example.com"
    assert (record.type, record.values) == ("CNAME", (f"token.dkim.{region}.amazonses.com",))


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "sa-east-1"])
def test_other_regions_publish_dkim_keys_under_one_domain(region: str):
    assert dns.dkim_record("token", "example.com", region).values == ("token.dkim.amazonses.com",)


def test_the_smallest_settings_need_six_records():
    records = dns.records(settings(), "eu-west-1", ["a", "b", "c"])
    assert [(r.name, r.type, r.values) for r in records] == [
        ("a._domainkey.example.com", "CNAME", ("a.dkim.amazonses.com",)),
        ("b._domainkey.example.com", "CNAME", ("b.dkim.amazonses.com",)),
        ("c._domainkey.example.com", "CNAME", ("c.dkim.amazonses.com",)),
        ("bounce.example.com", "MX", ("10 feedback-smtp.eu-west-1.amazonses.com",)),
        ("bounce.example.com", "TXT", ("v=spf1 include:amazonses.com ~all",)),
        ("_dmarc.example.com", "TXT", ("v=DMARC1; p=none",)),
    ]


def test_spf_at_the_domain_itself_is_published_when_asked_for():
    assert "spf" not in dns.fixed_records(settings(), "us-east-1")
    record = dns.fixed_records(settings(spf=True), "us-east-1")["spf"]
    assert (record.name, record.values) == ("example.com", ("v=spf1 include:amazonses.com ~all",))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, "v=DMARC1; p=none"),
        ({"policy": "quarantine", "testing": True, "confirmed": "none"}, "v=DMARC1; p=quarantine; t=y"),
        ({"subdomainPolicy": "none", "nonexistentPolicy": "reject"}, "v=DMARC1; p=none; sp=none; np=reject"),
        ({"dkimAlignment": "strict", "spfAlignment": "relaxed"}, "v=DMARC1; p=none; adkim=s"),
        ({"spfAlignment": "strict", "psd": "n"}, "v=DMARC1; p=none; aspf=s; psd=n"),
        ({"policy": "reject", "confirmed": "quarantine"}, "v=DMARC1; p=reject"),
        ({"reports": ["a@example.com"]}, "v=DMARC1; p=none; rua=mailto:a@example.com"),
        ({"reports": ["a@x.test", "b@x.test"]}, "v=DMARC1; p=none; rua=mailto:a@x.test,mailto:b@x.test"),
        ({"failureReports": ["f@example.com"]}, "v=DMARC1; p=none; ruf=mailto:f@example.com"),
        ({"reports": ["a!b@example.com"]}, "v=DMARC1; p=none; rua=mailto:a%21b@example.com"),
    ],
)  # fmt: skip
def test_dmarc_says_what_is_not_the_default(policy: dict[str, Any], expected: str):
    assert dns.dmarc(settings(dmarc=policy).dmarc) == expected


@pytest.mark.parametrize(
    ("domain", "zone", "mailbox", "name"),
    [
        ("example.com", "", "dmarc@example.org", "example.com._report._dmarc.example.org"),
        ("example.com", "", "dmarc@badexample.com", "example.com._report._dmarc.badexample.com"),
        ("example.com", "", "dmarc@example.com", None),
        ("example.com", "", "dmarc@reports.example.com", None),
        ("mail.example.com", "example.com", "dmarc@example.com", None),
        ("mail.example.com", "example.com", "dmarc@reports.example.com", None),
        ("mail.example.com", "Z0123456789ABC", "dmarc@example.com", None),
    ],
)
def test_a_mailbox_of_another_domain_needs_that_domains_consent(domain: str, zone: str, mailbox: str, name: str | None):
    records = dns.fixed_records(settings(domain=domain, zone=zone, dmarc={"reports": [mailbox]}), "us-east-1")
    found = [(record.name, record.values) for key, record in records.items() if key.startswith("dmarc-report")]
    assert found == ([(name, ("v=DMARC1",))] if name else [])


def test_dmarc_record_can_have_another_owner():
    assert "dmarc" in dns.fixed_records(settings(), "us-east-1")
    assert "dmarc" not in dns.fixed_records(settings(dmarc={"publish": False}), "us-east-1")


def test_records_outside_the_zone_are_separate():
    records = dns.fixed_records(settings(dmarc={"reports": ["dmarc@example.org"]}), "us-east-1")
    assert list(dns.outside(records, "example.com")) == ["dmarc-report-example.org"]


def test_an_outside_mailbox_for_failure_reports_needs_consent():
    records = dns.fixed_records(settings(dmarc={"failureReports": ["f@example.org"]}), "us-east-1")
    assert records["dmarc-report-example.org"].name == "example.com._report._dmarc.example.org"


def test_a_logo_is_announced_with_who_vouches_for_it():
    enforced = {"policy": "quarantine", "confirmed": "none"}
    logo, certificate = "https://example.com/logo.svg", "https://example.com/vmc.pem"
    records = dns.fixed_records(settings(dmarc=enforced, bimi={"logo": logo, "certificate": certificate}), "us-east-1")
    assert (records["bimi"].name, records["bimi"].type) == ("default._bimi.example.com", "TXT")
    assert records["bimi"].values == (f"v=BIMI1; l={logo}; a={certificate}",)
    assert "bimi" not in dns.fixed_records(settings(), "us-east-1")


@pytest.mark.parametrize(("length", "sizes"), [(0, [0]), (255, [255]), (256, [255, 1]), (600, [255, 255, 90])])
def test_a_long_value_is_cut_into_strings_that_dns_can_hold(length: int, sizes: list[int]):
    text = "".join(str(number % 10) for number in range(length))
    assert [len(string) for string in dns.strings(text)] == sizes
    assert "".join(dns.strings(text)) == text
