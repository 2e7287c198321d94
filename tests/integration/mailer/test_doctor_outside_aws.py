"""`mailer doctor` outside AWS: MTA-STS, TLS reports, BIMI, SMTP, Microsoft 365. Exactly one check names each fault."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from mailer.cli import main
from mailer.dnscheck.lookup import ask_server
from mailer.doctor.check import Result, Verdict
from mailer.doctor.checks import identity, receiving, smtp
from mailer.doctor.run import examine
from mailer.doctor.site import Site
from mailer.doctor.smtp_account import Account
from mailer.zonefile import lines
from tests.smtp_server import SmtpServer, smtp_server
from tests.unit.mailer.name_server import NameServer, serving
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.wire.certificates import server_context
from tests.waiting import PATIENCE
from tests.web_server import WebServer, web_server

pytestmark = pytest.mark.integration
OUTPUTS = outputs()
DOMAIN = OUTPUTS.domain
POLICY_HOST, POLICY_PATH = f"mta-sts.{DOMAIN}", "/.well-known/mta-sts.txt"
LOGO_HOST, LOGO_PATH = f"logo.{DOMAIN}", "/logo.svg"
POLICY = f"version: STSv1\r\nmode: enforce\r\nmx: mx.{DOMAIN}\r\nmax_age: 604800\r\n"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps"><title>Example</title></svg>'
SHOP = f"shop@{DOMAIN}"
DISABLED = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the {}. [AM0PR01.prod]"
STS, REPORTS, BIMI = f"_mta-sts.{DOMAIN}.", f"_smtp._tls.{DOMAIN}.", f"default._bimi.{DOMAIN}."
CHECKS = (
    *(check for check in identity.CHECKS if check.needs == "dns"),
    *receiving.CHECKS,
    *smtp.CHECKS,
)
# The smallest one that receivers show a logo for.
ENFORCED = f'_dmarc.{DOMAIN}. 60 IN TXT "v=DMARC1; p=quarantine"'


def txt(name: str, value: str) -> str:
    return f'{name} 60 IN TXT "{value}"'


@dataclass
class Domain:
    """A domain whose every record, page and server is in order, until a test changes one."""

    dns: NameServer
    web: WebServer
    mail: SmtpServer
    account: Account | None
    records: list[str] = field(default_factory=list)
    outputs = OUTPUTS

    def replace(self, old: str, new: str = "") -> None:
        """Change records; none are left of those that become empty."""
        changed = [line.replace(old, new) if new else line for line in self.records if new or old not in line]
        assert changed != self.records
        self.records = changed

    def examined(self) -> dict[str, Result]:
        self.dns.publish(DOMAIN, "\n".join(self.records) + "\n")
        site = Site(self.outputs, ask_server("127.0.0.1", self.dns.port), {}, web=self.web.client, smtp=self.account)
        return {result.check.name: result for result in examine(site, CHECKS, PATIENCE)}


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[NameServer, WebServer, SmtpServer, ssl.SSLContext]]:
    context, authority = server_context(tmp_path_factory.mktemp("smtp"))
    with (
        serving() as dns,
        web_server(tmp_path_factory.mktemp("web"), f"*.{DOMAIN}") as web,
        smtp_server(context) as mail,
    ):
        yield dns, web, mail, ssl.create_default_context(cafile=authority)


@pytest.fixture
def domain(servers: tuple[NameServer, WebServer, SmtpServer, ssl.SSLContext]) -> Iterator[Domain]:
    dns, web, mail, context = servers
    account = Account("localhost", mail.port, SHOP, "secret", is_microsoft=True, context=context)
    kept = [line for line in lines(OUTPUTS.dns_records) if "v=DMARC1" not in line]
    records = [
        *kept,
        ENFORCED,
        f"{DOMAIN}. 60 IN MX 10 mx.{DOMAIN}.",
        txt(f"{DOMAIN}.", "v=spf1 include:spf.protection.outlook.com -all"),
        *(f"selector{n}._domainkey.{DOMAIN}. 60 IN CNAME selector{n}.example.org." for n in (1, 2)),
        txt(STS, "v=STSv1; id=20260101;"),
        txt(REPORTS, f"v=TLSRPTv1; rua=mailto:tls@{DOMAIN}"),
        txt(BIMI, f"v=BIMI1; l=https://{LOGO_HOST}{LOGO_PATH};"),
    ]
    web.pages.clear()
    web.serve(POLICY_HOST, POLICY_PATH, POLICY)
    web.serve(LOGO_HOST, LOGO_PATH, LOGO, kind="image/svg+xml")
    mail.replies.clear()
    features = mail.features
    yield Domain(dns, web, mail, account, records)
    mail.features = features


def named(results: dict[str, Result]) -> list[str]:
    return [name for name, result in results.items() if result.verdict in {Verdict.FAILED, Verdict.WARNING}]


def test_domain_in_order_has_no_problem(domain: Domain):
    results = domain.examined()
    assert named(results) == []
    assert results["smtp-login"].why == "the check 'microsoft365' logs in"
    checked = ("tls-policy", "tls-reports", "bimi", "smtp-connection", "microsoft365")
    assert {results[name].verdict for name in checked} == {Verdict.OK}


def test_domain_without_any_of_it_is_not_blamed(domain: Domain):
    domain.records = [line for line in domain.records if line.partition(" ")[0] not in {STS, REPORTS, BIMI}]
    domain.account = None
    results = domain.examined()
    names = ("tls-policy", "tls-reports", "bimi", "smtp-connection", "smtp-login", "microsoft365")
    assert {results[name].verdict for name in names} == {Verdict.SKIPPED}
    assert named(results) == []


def _page(text: str, status: int = 200) -> "Fault":
    return lambda d: d.web.serve(POLICY_HOST, POLICY_PATH, text, status=status)


def _svg(text: str, kind: str = "image/svg+xml", status: int = 200) -> "Fault":
    return lambda d: d.web.serve(LOGO_HOST, LOGO_PATH, text, kind=kind, status=status)


def _refused(reply: str) -> "Fault":
    return lambda d: d.mail.replies.update(AUTH=[reply])


def _without_starttls(domain: Domain) -> None:
    domain.mail.replies["EHLO"] = ["250-localhost\r\n250 AUTH PLAIN"] * 3


def _plain_account(domain: Domain) -> None:
    assert domain.account
    domain.account = Account("localhost", domain.mail.port, SHOP, "secret", context=domain.account.context)
    domain.mail.replies["AUTH"] = ["535 Authentication Credentials Invalid"]


def _other_authority(domain: Domain) -> None:
    domain.account = Account("localhost", domain.mail.port, SHOP, "secret", is_microsoft=True)


def _closed_port(domain: Domain) -> None:
    with_nobody = Account("localhost", 1, SHOP, "secret", is_microsoft=True)
    domain.account = with_nobody


def _distrust(domain: Domain) -> None:
    """Only for the policy: without a logo, nothing else is fetched."""
    domain.records = [line for line in domain.records if line.partition(" ")[0] != BIMI]
    domain.web = WebServer(type(domain.web.client)(None, "127.0.0.1", domain.web.client.port), domain.web.pages)


Fault = Callable[[Domain], object]
FAULTS: dict[str, tuple[str, str, Fault]] = {
    "two MTA-STS records": ("tls-policy", "2 records", lambda d: d.records.append(txt(STS, "v=STSv1; id=2"))),
    "MTA-STS without id": ("tls-policy", "Its id is ''", lambda d: d.replace("id=20260101;", "x=1;")),
    "policy missing": ("tls-policy", "answers 404", lambda d: d.web.pages.pop((POLICY_HOST, POLICY_PATH))),
    "policy redirects": ("tls-policy", "answers 301", _page("", 301)),
    "policy of another version": ("tls-policy", "Its version is", _page(POLICY.replace("STSv1", "STSv2"))),
    "policy of another mode": ("tls-policy", "Its mode is", _page(POLICY.replace("enforce", "strict"))),
    "policy without age": ("tls-policy", "Its max_age is", _page(POLICY.replace("max_age", "age"))),
    "policy without mx": ("tls-policy", "names no mx", _page(POLICY.replace("mx:", "host:"))),
    "policy for another host": (
        "tls-policy",
        f"MX host mx.{DOMAIN}: senders refuse",
        _page(POLICY.replace("mx.", "mail.")),
    ),
    "policy too large": ("tls-policy", "more than 65536 bytes", _page(POLICY + "x" * 70_000)),
    "policy host of another certificate": ("tls-policy", "certificate is refused", _distrust),
    "no TLS reports": ("tls-reports", "nobody gets the reports", lambda d: d.replace("v=TLSRPTv1")),
    "two TLS report records": (
        "tls-reports",
        "2 records",
        lambda d: d.records.append(txt(REPORTS, "v=TLSRPTv1; rua=mailto:a@b.test")),
    ),
    "TLS reports to nobody": ("tls-reports", "rua is missing", lambda d: d.replace("rua=", "x=")),
    "TLS reports by ftp": ("tls-reports", "neither mailto: nor https:", lambda d: d.replace("rua=mailto:", "rua=ftp:")),
    "two BIMI records": (
        "bimi",
        "has 2 BIMI records",
        lambda d: d.records.append(txt(BIMI, "v=BIMI1; l=https://a.test/b.svg")),
    ),
    "logo by http": ("bimi", "is not of the form", lambda d: d.replace("l=https:", "l=http:")),
    "logo missing": ("bimi", "answers 404", lambda d: d.web.pages.pop((LOGO_HOST, LOGO_PATH))),
    "logo as PNG": ("bimi", "is image/png", _svg("PNG", "image/png")),
    "logo of another profile": ("bimi", "tiny-ps", _svg(LOGO.replace("tiny-ps", "full"))),
    "logo too large": ("bimi", "more than 32768 bytes", _svg(LOGO.replace("Example", "x" * 40_000))),
    "SMTP port closed": ("smtp-connection", "cannot be used", _closed_port),
    "no STARTTLS": ("smtp-connection", "no STARTTLS", _without_starttls),
    "SMTP certificate of another authority": ("smtp-connection", "certificate", _other_authority),
    "SMTP password wrong": ("smtp-login", "535 Authentication Credentials Invalid", _plain_account),
    "SMTP AUTH disabled for the tenant": (
        "microsoft365",
        "disabled for the Tenant",
        _refused(DISABLED.format("Tenant")),
    ),
    "SMTP AUTH disabled for the mailbox": ("microsoft365", "for the Mailbox", _refused(DISABLED.format("Mailbox"))),
    "Microsoft 365 not in SPF": (
        "microsoft365",
        "does not name Microsoft 365",
        lambda d: d.replace("spf.protection.outlook.com", "spf.example.org"),
    ),
    "Microsoft 365 does not sign": (
        "microsoft365",
        "CNAME selector1._domainkey",
        lambda d: d.replace("selector1._domainkey"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_outside_aws_is_named_by_exactly_one_check(domain: Domain, fault: str):
    check, words, inject = FAULTS[fault]
    inject(domain)
    results = domain.examined()
    assert named(results) == [check]
    (problem,) = results[check].problems
    assert words in problem.found
    assert Verdict.UNKNOWN not in {result.verdict for result in results.values()}


def test_logo_without_enforcement_is_named_by_bimi(domain: Domain):
    domain.replace("p=quarantine", "p=none")
    domain.outputs = OUTPUTS.model_copy(update={"dns_records": ()})
    results = domain.examined()
    assert named(results) == ["bimi"]
    assert "not enforced" in results["bimi"].problems[0].found


def test_powershell_is_filled_in_for_the_mailbox(domain: Domain):
    _refused(DISABLED.format("Tenant"))(domain)
    (problem,) = domain.examined()["microsoft365"].problems
    command = f'Connect-ExchangeOnline; Set-CASMailbox -Identity "{SHOP}" -SmtpClientAuthenticationDisabled $false'
    assert problem.remedy == command


def test_mailbox_that_powershell_would_read_is_not_filled_in(domain: Domain):
    assert domain.account
    hostile = Account(
        "localhost", domain.mail.port, '"$(x)"@example.com', "s", is_microsoft=True, context=domain.account.context
    )
    domain.account = hostile
    _refused(DISABLED.format("Tenant"))(domain)
    assert '-Identity "MAILBOX"' in domain.examined()["microsoft365"].problems[0].remedy


def test_smtp_user_of_the_command_line_needs_server_and_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", OUTPUTS.to_json())
    monkeypatch.delenv("MAILER_SMTP_PASSWORD", raising=False)
    assert main(["doctor", "--smtp-user", "ada"]) == 2
    assert "--smtp-user needs --smtp" in capsys.readouterr().err
    assert main(["doctor", "--smtp", "localhost", "--smtp-user", "ada"]) == 2
    assert "needs a password in MAILER_SMTP_PASSWORD" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["doctor", "--smtp", "localhost:x"])
    assert "is not HOST or HOST:PORT" in capsys.readouterr().err
