"""`mailer dns --check` against a name server that serves what the zone-file lines say, or something else."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dns.name
import dns.resolver
import dns.zone
import pytest

from mailer.cli import main
from mailer.dnscheck.check import Report, check
from mailer.dnscheck.lookup import ask_owners, ask_server
from mailer.dnscheck.verdict import Answer, Status, judge
from mailer.errors import ConfigurationError
from mailer.install import install_command
from mailer.stack import DnsRecord, StackOutputs
from mailer.zonefile import fragment
from tests.unit.mailer.name_server import NameServer, serving
from tests.unit.mailer.stack_outputs import outputs
from tests.waiting import BRIEF, PATIENCE

KEY = "v=DKIM1; k=rsa; p=" + "A" * 392
DKIM = DnsRecord(name="a._domainkey.example.test", type="CNAME", values=("a.dkim.amazonses.com",))
OWN = DnsRecord(name="own._domainkey.example.test", type="TXT", values=(KEY,))
MX = DnsRecord(name="bounce.example.test", type="MX", values=("10 feedback-smtp.us-east-1.amazonses.com",))
SPF = DnsRecord(name="bounce.example.test", type="TXT", values=("v=spf1 include:amazonses.com ~all",))
DMARC = DnsRecord(name="_dmarc.example.test", type="TXT", values=("v=DMARC1; p=reject; rua=mailto:d@example.org",))
CONSENT = DnsRecord(name="example.test._report._dmarc.example.org", type="TXT", values=("v=DMARC1",))
RECORDS = (DKIM, OWN, MX, SPF, DMARC, CONSENT)


def stack(*records: DnsRecord) -> StackOutputs:
    return outputs().model_copy(update={"dns_records": records or RECORDS})


def published(server: NameServer, text: str = "") -> None:
    """The stack's own zone-file lines, with something else in place of some."""
    server.publish("example.test", text or fragment(stack()))
    server.publish("example.org", 'example.test._report._dmarc 600 IN TXT "v=DMARC1;"\n')


@pytest.fixture
def server() -> Iterator[NameServer]:
    with serving() as started:
        yield started


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server on this machine answers, however late."""
    for ask in (ask_server, ask_owners):
        monkeypatch.setattr(ask, "__kwdefaults__", {**(ask.__kwdefaults__ or {}), "timeout": PATIENCE})


@dataclass
class Clock:
    """Stands in for `time`: only sleeping moves it, and may bring records into the DNS."""

    now: float = 0.0
    publish: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.publish()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("mailer.cli.dns_check.time", clock)
    return clock


@pytest.fixture
def command(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("MAILSTACK_OUTPUTS", stack().to_json())
    return ["dns", "--stack", "dev", "--check", "--resolver", f"127.0.0.1:{server.port}"]


# --- What an answer means --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "values", "status"),
    [
        (DMARC, ["v=DMARC1;p=reject;  rua=mailto:d@example.org;"], Status.PUBLISHED),
        (DMARC, ["v=DMARC1; rua=mailto:d@example.org; p=reject"], Status.PUBLISHED),
        (DMARC, ["v=DMARC1; p=none"], Status.DIFFERENT),
        (DMARC, ["v=DMARC1; p=reject; rua= mailto:d@example.org; sp=reject; t=n; x=1"], Status.PUBLISHED),
        (DMARC, ["v=DMARC1; p=reject; rua=mailto:d@example.org; t=y"], Status.DIFFERENT),
        (DMARC, ["v=DMARC1; p=reject; rua=mailto:d@example.org; pct=10"], Status.DIFFERENT),
        (DMARC, ["v=dmarc1; p=reject; rua=mailto:d@example.org"], Status.DIFFERENT),
        (DMARC, [*DMARC.values, "v=DMARC1; p=none"], Status.DIFFERENT),
        (DMARC, [*DMARC.values, "some-verification=1"], Status.PUBLISHED),
        (DMARC, ["some-verification=1"], Status.MISSING),
        (DMARC, [""], Status.MISSING),
        (SPF, ["v=spf1 mx include:amazonses.com -all"], Status.PUBLISHED),
        (SPF, ["v=spf1 +include:AmazonSES.com -all"], Status.PUBLISHED),
        (SPF, ["v=spf1 mx -all"], Status.DIFFERENT),
        (SPF, [*SPF.values, "v=spf1 mx -all"], Status.DIFFERENT),
        (MX, ["10 feedback-smtp.us-east-1.amazonses.com"], Status.PUBLISHED),
        (MX, ["10 feedback-smtp.eu-west-1.amazonses.com"], Status.DIFFERENT),
        (MX, [*MX.values, "20 mail.example.org"], Status.DIFFERENT),
        (DKIM, ["b.dkim.amazonses.com"], Status.DIFFERENT),
        (OWN, [KEY.replace("; ", ";")], Status.PUBLISHED),
        (OWN, ["v=DKIM1; p=BBBB"], Status.DIFFERENT),
        (CONSENT, ["v=DMARC1; rua=mailto:x@example.org"], Status.PUBLISHED),
        (CONSENT, [], Status.MISSING),
    ],
)
def test_equivalent_records_count_as_published(record: DnsRecord, values: list[str], status: Status):
    finding = judge(record, Answer(tuple(values)))
    assert finding.status is status
    assert bool(finding.advice) is (status is not Status.PUBLISHED)


@pytest.mark.parametrize(
    ("record", "values", "words"),
    [
        (DMARC, ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "RFC 9989"),
        (SPF, ["v=spf1 mx -all", "v=spf1 a -all"], "RFC 7208"),
        (SPF, ["v=spf1 mx -all"], "Add include:amazonses.com"),
        (MX, [*MX.values, "20 mail.example.org"], "mailFrom.subdomain"),
        (DKIM, ["b.dkim.amazonses.com"], "must not be proxied"),
    ],
)
def test_different_record_is_reported_with_a_remedy(record: DnsRecord, values: list[str], words: str):
    assert words in judge(record, Answer(tuple(values))).advice


def test_a_record_of_several_values_must_have_all_of_them():
    record = DnsRecord(name="example.test", type="MX", values=("10 a.example.test", "20 b.example.test"))
    assert judge(record, Answer(("20 b.example.test", "10 a.example.test"))).status is Status.PUBLISHED
    assert judge(record, Answer(("20 b.example.test",))).status is Status.DIFFERENT


# --- Asking ----------------------------------------------------------------------------------------------------------


def statuses(report: Report) -> dict[str, str]:
    return {f"{finding.record.name} {finding.record.type}": finding.status for finding in report.findings}


def test_the_stacks_own_zone_file_is_what_the_check_wants(server: NameServer):
    published(server)
    report = check(stack(), ask_server("127.0.0.1", server.port))
    assert set(statuses(report).values()) == {"published"}
    assert report.ok


def test_the_zones_own_servers_are_found_and_asked(server: NameServer):
    published(server)
    by = dns.resolver.Resolver(configure=False)
    by.nameservers, by.port = ["127.0.0.1"], server.port
    report = check(stack(), ask_owners(by=by, port=server.port))
    assert report.ok, statuses(report)
    assert {"example.test. NS", "example.org. NS", "ns.example.test. A"} <= set(server.asked)


def test_undelegated_zone_is_unknown(server: NameServer):
    by = dns.resolver.Resolver(configure=False)
    by.nameservers, by.port = ["127.0.0.1"], server.port
    report = check(stack(DMARC), ask_owners(by=by, port=server.port))
    assert statuses(report) == {"_dmarc.example.test TXT": "unknown"}
    assert "could not be found" in report.findings[0].advice


def test_zone_unknown_to_the_resolver_is_reported(server: NameServer):
    server.zones[dns.name.root] = dns.zone.Zone(dns.name.root, relativize=False)
    by = dns.resolver.Resolver(configure=False)
    by.nameservers, by.port = ["127.0.0.1"], server.port
    report = check(stack(DMARC), ask_owners(by=by, port=server.port))
    assert "knows of no zone" in report.findings[0].advice


def test_a_silent_server_leaves_every_record_unknown(server: NameServer):
    server.silent = True
    report = check(stack(), ask_server("127.0.0.1", server.port, timeout=BRIEF))
    assert set(statuses(report).values()) == {"unknown"}
    assert "No name server answered" in report.findings[0].advice


def test_every_record_is_asked_for_at_once():
    together = {("example.test", "TXT"), *((record.name, record.type) for record in RECORDS)}
    everybody = threading.Barrier(len(together))

    def ask(name: str, kind: str) -> Answer:
        if (name, kind) in together:  # the policy above the domain is looked for afterwards
            together.discard((name, kind))
            everybody.wait(PATIENCE)
        return Answer()

    assert set(statuses(check(stack(), ask)).values()) == {"missing"}


def test_several_spf_records_at_the_domain_are_warned_of(server: NameServer):
    published(server, fragment(stack()) + '@ 600 IN TXT "v=spf1 mx -all"\n@ 600 IN TXT "v=spf1 a -all"\n')
    report = check(stack(), ask_server("127.0.0.1", server.port))
    assert set(statuses(report).values()) == {"published"}
    (warning,) = report.warnings
    assert warning.startswith("example.test has 2 SPF records. Receivers ignore several")
    assert not report.ok


# --- DMARC above the domain -------------------------------------------------------------------------------------------


def above(server: NameServer, own: str, parent: str) -> Report:
    """A stack of `mail.example.test` that wants its own record, below a domain that has one."""
    wanted = (DnsRecord(name="_dmarc.mail.example.test", type="TXT", values=(own,)),) if own else (SPF,)
    published = {"_dmarc.mail": own, "_dmarc": parent}
    lines = [
        f'{name} 600 IN TXT "{value}"\n' for name, values in published.items() for value in values.split("|") if value
    ]
    server.publish("example.test", "".join(lines) + f'bounce 600 IN TXT "{SPF.values[0]}"\n')
    asked = stack(*wanted).model_copy(update={"domain": "mail.example.test"})
    return check(asked, ask_server("127.0.0.1", server.port))


@pytest.mark.parametrize(
    ("own", "parent", "weakened"),
    [
        ("v=DMARC1; p=none", "v=DMARC1; p=reject", "reject"),
        ("v=DMARC1; p=none", "v=DMARC1; p=none; sp=quarantine", "quarantine"),
        ("v=DMARC1; p=none", "v=DMARC1; p=reject; t=y", "quarantine"),
        ("v=DMARC1; p=quarantine; t=y", "v=DMARC1; p=quarantine", "quarantine"),
        ("v=DMARC1; p=none", "v=DMARC1; p=reject; sp=none", ""),
        ("v=DMARC1; p=none", "v=DMARC1; p=quarantine; t=y", ""),
        ("v=DMARC1; p=reject", "v=DMARC1; p=reject", ""),
        ("v=DMARC1; p=none", "", ""),
    ],
)
def test_a_policy_weaker_than_the_parents_is_noted(server: NameServer, own: str, parent: str, weakened: str):
    report = above(server, own, parent)
    assert report.ok
    assert len(report.notes) == bool(weakened)
    for note in report.notes:
        assert note.startswith(
            f"The DMARC record of mail.example.test asks for none. Without it, that of example.test would ask for "
            f"{weakened}: raise mailstack:dmarc.policy, or leave the record out"
        )


def test_subdomain_policies_below_the_organization_are_noted(server: NameServer):
    (note,) = above(server, "v=DMARC1; p=none; sp=none", "v=DMARC1; p=none").notes
    assert note.startswith("Receivers read sp and np in the record of example.test alone")


def test_a_stack_without_a_record_is_held_by_the_parents(server: NameServer):
    assert above(server, "", "v=DMARC1; p=reject").ok
    (warning,) = above(server, "", "").warnings
    assert warning.startswith("No DMARC record holds for mail from mail.example.test.")


def test_several_records_above_the_domain_are_warned_of(server: NameServer):
    (warning,) = above(server, "v=DMARC1; p=none", "v=DMARC1; p=none|v=DMARC1; p=reject").warnings
    assert warning.startswith("example.test has several DMARC records. Receivers ignore all of them")


@pytest.mark.parametrize(("parent", "status"), [("v=DMARC1; p=none", "not needed"), ("", "missing")])
def test_a_mailbox_of_the_same_organization_needs_no_consent(server: NameServer, parent: str, status: str):
    consent = DnsRecord(name="mail.example.test._report._dmarc.in.example.test", type="TXT", values=("v=DMARC1",))
    server.publish("example.test", f'_dmarc 600 IN TXT "{parent}"\n' if parent else "")
    asked = stack(consent).model_copy(update={"domain": "mail.example.test"})
    (finding,) = check(asked, ask_server("127.0.0.1", server.port)).findings
    assert finding.status == status


def test_unresolvable_name_server_is_reported():
    with pytest.raises(ConfigurationError, match=r"ns\.invalid cannot be found"):
        ask_server("ns.invalid")


# --- The command -----------------------------------------------------------------------------------------------------


def test_the_command_says_that_all_is_well(server: NameServer, command: list[str], capsys: pytest.CaptureFixture[str]):
    published(server)
    assert main(command) == 0
    *rows, blank, summary = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["published"] * len(RECORDS)
    assert (blank, summary) == ("", "6 of 6 records are published.")


def test_the_command_says_what_was_found_and_what_to_do(
    server: NameServer, command: list[str], capsys: pytest.CaptureFixture[str]
):
    lines = fragment(stack(DKIM, OWN, SPF)) + "bounce 600 IN MX 10 mail.example.org.\n"
    published(server, lines)
    assert main(command) == 1
    said = capsys.readouterr().out
    assert "missing    TXT    _dmarc.example.test" in said
    assert "bounce.example.test MX is different: Replace it" in said
    assert "  found   10 mail.example.org" in said
    assert '  wanted  _dmarc.example.test. 600 IN TXT "v=DMARC1; p=reject; rua=mailto:d@example.org"' in said
    assert said.endswith("4 of 6 records are published.\n")


def test_the_command_prints_json(server: NameServer, command: list[str], capsys: pytest.CaptureFixture[str]):
    published(server, "bounce 600 IN MX 10 mail.example.org.\n")
    assert main([*command, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["warnings"], told["notes"]) == (False, [], [])
    by_type = {record["type"]: record for record in told["records"] if record["name"] == "bounce.example.test"}
    assert (by_type["MX"]["status"], by_type["MX"]["found"]) == ("different", ["10 mail.example.org"])
    assert (by_type["TXT"]["status"], by_type["TXT"]["advice"]) == ("missing", "Publish it.")


def test_the_command_waits_until_the_records_are_there(
    server: NameServer, command: list[str], clock: Clock, capsys: pytest.CaptureFixture[str]
):
    published(server, "other 600 IN A 192.0.2.1\n")
    clock.publish = lambda: published(server)
    assert main([*command, "--wait", "30"]) == 0
    assert clock.now == 1
    shown = capsys.readouterr()
    assert "1 of 6 records are published. Checking again for 30 s." in shown.err
    assert shown.out.endswith("6 of 6 records are published.\n")


def test_the_wait_ends(server: NameServer, command: list[str], clock: Clock, capsys: pytest.CaptureFixture[str]):
    published(server, "other 600 IN A 192.0.2.1\n")
    assert main([*command, "--wait", "60"]) == 1
    assert clock.now == 60
    looks = capsys.readouterr().err.splitlines()
    assert [line.split()[-2] for line in looks] == ["60", "59", "57", "53", "45", "30", "15"]


def test_missing_dnspython_error_shows_the_install_command(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delitem(sys.modules, "mailer.dnscheck.lookup")
    monkeypatch.setitem(sys.modules, "dns.exception", None)
    assert main(command) == 2
    assert install_command("dns") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--check", "--zone-file"], "do not go together"),
        (["--wait", "5"], "Give --check, too"),
        (["--resolver", "127.0.0.1"], "Give --check, too"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", stack().to_json())
    assert main(["dns", "--stack", "dev", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("given", ["127.0.0.1:", ":53", "127.0.0.1:x", "[::1]:70000", "host:0"])
def test_a_server_that_is_none_is_refused(given: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["dns", "--check", "--resolver", given])
    assert "is not HOST or HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "server"),
    [
        ("1.1.1.1", ("1.1.1.1", 53)),
        ("ns.example.test:5353", ("ns.example.test", 5353)),
        ("::1", ("::1", 53)),
        ("[::1]:5353", ("::1", 5353)),
        ("[::1]", ("::1", 53)),
    ],
)
def test_a_server_is_a_host_with_or_without_a_port(given: str, server: tuple[str, int]):
    from mailer.cli import parser

    assert parser().parse_args(["dns", "--check", "--resolver", given]).resolver == server
