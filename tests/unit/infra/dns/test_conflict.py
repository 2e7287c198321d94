"""What is said where a record is in the way. That the engine says it: tests/e2e/test_identity.py."""

import pytest

from mailstack_infra.dns.conflict import advice

PLACE = "urn:pulumi:prod::mailstack::mailstack:index:MailStack$mailstack:identity:Identity"
ROUTE53, CLOUDFLARE = "aws:route53/record:Record", "cloudflare:index/dnsRecord:DnsRecord"
INPUTS = {"type": "TXT", "name": "_dmarc.example.com", "zoneId": "Z1"}
EXISTS = "InvalidChangeBatch: [Tried to create resource record set [name='x', type='TXT'] but it already exists]"
ALONE = (
    "InvalidChangeBatch: [RRSet of type CNAME with DNS name a.example.com. is not permitted as it conflicts with other "
    "records with the same DNS name in zone example.com.]"
)


def said(token: str, error: str) -> str:
    return advice(f"{PLACE}${token}::dmarc", token, INPUTS, error)


def test_a_record_in_route_53_can_be_overwritten_or_imported():
    text = said(ROUTE53, EXISTS)
    assert text.startswith("TXT _dmarc.example.com already exists in the zone and was not changed.")
    assert "pulumi config set --path 'mailstack:overwriteRecords[0]' dmarc" in text
    assert f"pulumi import {ROUTE53} dmarc 'Z1__dmarc.example.com_TXT' --parent 'identity={PLACE}::identity'" in text


def test_a_record_at_cloudflare_can_be_deleted_or_imported():
    text = said(CLOUDFLARE, '{"code":81058,"message":"An identical record already exists."}')
    assert "delete it in Cloudflare" in text
    assert f"pulumi import {CLOUDFLARE} dmarc 'Z1/RECORD_ID'" in text
    assert "overwriteRecords" not in text


def test_cname_conflict_is_recognised():
    assert said(ROUTE53, ALONE).startswith("_dmarc.example.com has records of another type")


@pytest.mark.parametrize("error", ["", "AccessDenied: no identity-based policy allows", "Throttling: Rate exceeded"])
def test_other_errors_get_no_hint(error: str):
    assert said(ROUTE53, error) == ""
