"""Every record that settings can ask for, written as zone-file lines and read by name servers' own parsers."""

import subprocess
from pathlib import Path
from typing import Any

import dns.zone
import pytest

from mailer.zonefile import fragment
from mailstack_infra.dns.records import records
from mailstack_infra.settings.model import Settings
from tests.system import require_tool
from tests.unit.infra.rsa import private
from tests.unit.mailer.name_server import HEAD
from tests.unit.mailer.stack_outputs import outputs
from tests.waiting import PATIENCE

TRACKED = {"eventBridge": True, "tracking": {"events": ["OPEN"], "domain": "links.example.com"}}
OPTIONS: dict[str, dict[str, Any]] = {
    "smallest": {},
    "own key": {"dkim": {"selector": "own", "privateKey": private()}},
    "reports": {"dmarc": {"reports": ["a!b@example.org", "c@example.net"], "failureReports": ["d@example.com"]}},
    "enforced": {"dmarc": {"policy": "reject", "confirmed": "quarantine", "testing": True}, "spf": True},
    "logo": {
        "dmarc": {"policy": "quarantine", "confirmed": "none"},
        "bimi": {"logo": f"https://example.com/{'l' * 300}.svg", "certificate": "https://example.com/vmc.pem"},
    },
    "tracking": {"streams": {"transactional": TRACKED, "bulk": TRACKED}},
    "subdomain": {"domain": "mail.example.com", "zone": "example.com", "dmarc": {"reports": ["a@example.com"]}},
    "international": {"domain": "bücher.example.com", "spf": True},
}
everywhere = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())


def zone_of(options: dict[str, Any], region: str) -> str:
    """The zone example.com with what the settings ask for."""
    settings = Settings.model_validate({"domain": "example.com", "page": "oncall@example.com", **options})
    tokens = [] if settings.dkim.private_key else [letter * 32 for letter in "abc"]
    found = records(settings.identity, region, tokens)
    known = outputs().model_copy(update={"domain": settings.domain, "dns_records": found})
    return HEAD.format(zone="example.com") + fragment(known)


@everywhere
@pytest.mark.parametrize("region", ["us-east-1", "eu-south-1"])
def test_every_record_is_read_back_once(options: dict[str, Any], region: str):
    zone = dns.zone.from_text(zone_of(options, region), relativize=False)
    settings = Settings.model_validate({"domain": "example.com", "page": "oncall@example.com", **options})
    names = [str(name).rstrip(".") for name, _ in zone.iterate_rdatasets()]
    wanted = {record.name for record in records(settings.identity, region, []) if record.name.endswith("example.com")}
    assert wanted <= set(names)


@everywhere
def test_bind_accepts_it(options: dict[str, Any], tmp_path: Path):
    file = tmp_path / "zone"
    file.write_text(zone_of(options, "eu-south-1"))
    command = [require_tool("named-checkzone"), "-k", "fail", "-S", "fail", "-i", "local", "example.com", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert checked.returncode == 0, checked.stdout
    assert "ignoring" not in checked.stdout


def test_streams_that_share_a_tracking_domain_share_its_record():
    settings = Settings.model_validate({"domain": "example.com", "page": "a@example.com", **OPTIONS["tracking"]})
    tracking = [record for record in records(settings.identity, "eu-west-1", []) if record.name == "links.example.com"]
    assert [record.values for record in tracking] == [("r.eu-west-1.awstrack.me",)]
