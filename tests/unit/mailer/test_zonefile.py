"""Zone-file lines, read back by parsers that are not ours, and `mailer dns`."""

import json
import subprocess
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest

from mailer.cli import main
from mailer.stack import DnsRecord, StackOutputs
from mailer.zonefile import fragment
from tests.system import require_tool
from tests.unit.mailer.stack_outputs import outputs
from tests.waiting import PATIENCE

LONG = "v=DKIM1; k=rsa; p=" + "A" * 392
RECORDS = (
    DnsRecord(name="a._domainkey.example.test", type="CNAME", values=("a.dkim.amazonses.com",)),
    DnsRecord(name="bounce.example.test", type="MX", values=("10 feedback-smtp.us-east-1.amazonses.com",)),
    DnsRecord(name="bounce.example.test", type="TXT", values=("v=spf1 include:amazonses.com ~all",)),
    DnsRecord(name="_dmarc.example.test", type="TXT", values=("v=DMARC1; p=reject; rua=mailto:d@example.org",)),
    DnsRecord(name="own._domainkey.example.test", type="TXT", values=(LONG,)),
    DnsRecord(name="example.test", type="TXT", values=('say "hi"', r"back\slash")),
    DnsRecord(name="example.test._report._dmarc.example.org", type="TXT", values=("v=DMARC1",)),
)
HEAD = """\
$ORIGIN {zone}.
@ 600 IN SOA ns.{zone}. hostmaster.{zone}. 1 7200 900 1209600 300
@ 600 IN NS ns.{zone}.
ns 600 IN A 192.0.2.1
"""


def stack(**changed: object) -> StackOutputs:
    return StackOutputs.model_validate({**outputs().model_dump(), "dns_records": RECORDS, **changed})


def values(zone: dns.zone.Zone, name: str, kind: str) -> list[str]:
    found = zone.find_rdataset(name, kind)
    if found.rdtype == dns.rdatatype.TXT:
        return sorted(b"".join(record.strings).decode() for record in found)
    return sorted(record.to_text() for record in found)


def test_a_name_server_reads_back_what_was_meant():
    zone = dns.zone.from_text(HEAD.format(zone="example.test") + fragment(stack()), relativize=False)
    for record in RECORDS[:-1]:
        whole = sorted(record.values if record.type == "TXT" else [f"{value}." for value in record.values])
        assert values(zone, f"{record.name}.", record.type) == whole


def test_long_txt_value_is_split_at_255_characters():
    zone = dns.zone.from_text(HEAD.format(zone="example.test") + fragment(stack()), relativize=False)
    (record,) = zone.find_rdataset("own._domainkey.example.test.", "TXT")
    assert [len(string) for string in record.strings] == [255, len(LONG) - 255]


def test_zone_file_is_valid_in_the_parent_zone():
    text = HEAD.format(zone="test") + fragment(stack())
    assert values(dns.zone.from_text(text, relativize=False), "bounce.example.test.", "MX")


def test_records_of_another_owner_are_comments():
    (line,) = [line for line in fragment(stack()).splitlines() if "_report._dmarc" in line]
    assert line.startswith("; Ask the owner")
    assert line.endswith('example.test._report._dmarc.example.org. 600 IN TXT "v=DMARC1"')


@pytest.mark.parametrize("zone", ["example.test", "test"])
def test_bind_accepts_it(zone: str, tmp_path: Path):
    file = tmp_path / "zone"
    file.write_text(HEAD.format(zone=zone) + fragment(stack()))
    checked = subprocess.run(
        [require_tool("named-checkzone"), zone, file], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert checked.returncode == 0, checked.stdout
    assert "ignoring" not in checked.stdout


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILSTACK_STACK", "dev")
    monkeypatch.setenv("MAILSTACK_OUTPUTS", stack().to_json())


@pytest.mark.usefixtures("deployed")
def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]):
    assert main(["dns"]) == 0
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["type", "name", "ttl", "value"]
    assert first.split() == ["CNAME", "a._domainkey.example.test", "600", "a.dkim.amazonses.com"]


@pytest.mark.usefixtures("deployed")
def test_the_command_prints_json_with_whole_values(capsys: pytest.CaptureFixture[str]):
    assert main(["dns", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [DnsRecord.model_validate(record) for record in found] == list(RECORDS)


@pytest.mark.usefixtures("deployed")
def test_the_command_prints_a_zone_file(capsys: pytest.CaptureFixture[str]):
    assert main(["dns", "--zone-file"]) == 0
    assert capsys.readouterr().out == fragment(stack())


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ([], "Nothing to publish: mail comes from ada@example.com, a single address, which SES verifies by a mail.\n"),
        (["--json"], "[]\n"),
        (["--zone-file"], "; Stack dev: mail from ada@example.com needs nothing.\n"),
    ],
)
def test_an_address_needs_no_records(
    form: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    arn = "arn:aws:ses:us-east-1:000000000000:identity/ada@example.com"
    address = stack(dns_records=(), domain="example.com", identity_arn=arn, mail_from_domain="")
    monkeypatch.setenv("MAILSTACK_OUTPUTS", address.to_json())
    assert main(["dns", "--stack", "dev", *form]) == 0
    assert capsys.readouterr().out == said
