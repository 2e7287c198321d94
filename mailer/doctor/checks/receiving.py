"""What the domain publishes for senders of mail to it, and for mailboxes that show its logo: TLS and BIMI."""

import re
from typing import TYPE_CHECKING

from mailer.doctor import mta_sts
from mailer.doctor.check import Check, Problem
from mailer.doctor.checks.identity import report_of
from mailer.doctor.inconclusive import NotApplicable, Unanswered
from mailer.doctor.web import NoPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site

_PAGE = "docs/guides/dns.md"
_POLICY_PATH = "/.well-known/mta-sts.txt"
_OK = 200
# https://datatracker.ietf.org/doc/html/draft-brand-indicators-for-message-identification: version, logo, evidence.
_BIMI = "BIMI1"
_HTTPS = re.compile(r"https://([A-Za-z0-9.-]+)(/\S*)\Z")
# The profile of SVG that receivers show: draft-svg-tiny-ps-abrotman.
_PROFILE = re.compile(r"<svg\b[^<>]{0,2000}\bbaseProfile\s*=\s*[\"']tiny-ps[\"']")
_MOST_LOGO = 32 * 1024


def values(site: "Site", name: str, kind: str) -> tuple[str, ...]:
    """The records of a name, asked for once.

    Raises:
        NotApplicable: dnspython is not installed.
        Unanswered: No name server answered.
    """
    if site.ask is None:
        from mailer.install import install_command

        raise NotApplicable(f"it needs dnspython: {install_command('dns')}")
    ask = site.ask
    answer = site.once(("dns", name, kind), lambda: ask(name, kind))
    if answer.failure:
        raise Unanswered(answer.failure)
    return answer.values


def _tls_policy(site: "Site") -> "Iterator[Problem]":
    """MTA-STS: https://www.rfc-editor.org/rfc/rfc8461."""
    domain, name = site.outputs.domain, f"_mta-sts.{site.outputs.domain}"
    try:
        tags = mta_sts.only(values(site, name, "TXT"), mta_sts.VERSION, "RFC 8461 §3.1")
        if tags is None:
            raise NotApplicable("the domain publishes no MTA-STS policy, which is optional")
        mta_sts.checked_id(tags)
    except mta_sts.InvalidPolicy as invalid:
        yield Problem(f"TXT {name}: {invalid}", f'publish one record: TXT {name} "v=STSv1; id=1"', warning=True)
        return
    where = f"https://mta-sts.{domain}{_POLICY_PATH}"
    remedy = f"serve the policy at {where} with a certificate for that name, or remove TXT {name}"
    try:
        page = site.web(f"mta-sts.{domain}", _POLICY_PATH)
    except NoPage as why:
        yield Problem(f"{where} cannot be fetched: {why}.", remedy, warning=True)
        return
    if page.status != _OK:
        yield Problem(
            f"{where} answers {page.status}; senders follow no redirect (RFC 8461 §3.3).", remedy, warning=True
        )
        return
    yield from _policy_problems(site, page.text, where)


def _policy_problems(site: "Site", text: str, where: str) -> "Iterator[Problem]":
    try:
        policy = mta_sts.parse(text)
    except mta_sts.InvalidPolicy as invalid:
        yield Problem(f"{where}: {invalid}", "correct the policy, and change the id of the record", warning=True)
        return
    hosts = [value.partition(" ")[2] for value in values(site, site.outputs.domain, "MX")]
    outside = [host for host in hosts if not policy.covers(host)]
    if outside and policy.mode != "none":
        refused = "senders refuse to deliver to it" if policy.mode == "enforce" else "the policy is in testing mode"
        yield Problem(
            f"The policy has no mx for the MX host {outside[0]}: {refused} (RFC 8461 §4.1).",
            f"add `mx: {outside[0]}` to {where}, and change the id of the record",
            warning=policy.mode != "enforce",
        )


def _tls_reports(site: "Site") -> "Iterator[Problem]":
    """TLS-RPT: https://www.rfc-editor.org/rfc/rfc8460."""
    domain, name = site.outputs.domain, f"_smtp._tls.{site.outputs.domain}"
    remedy = f'publish one record: TXT {name} "v=TLSRPTv1; rua=mailto:tls-reports@{domain}"'
    try:
        tags = mta_sts.only(values(site, name, "TXT"), mta_sts.REPORT_VERSION, "RFC 8460 §3")
        if tags is not None:
            mta_sts.checked_addresses(tags)
            return
    except mta_sts.InvalidPolicy as invalid:
        yield Problem(f"TXT {name}: {invalid}", remedy, warning=True)
        return
    if not any(value.startswith(f"v={mta_sts.VERSION}") for value in values(site, f"_mta-sts.{domain}", "TXT")):
        raise NotApplicable("the domain asks for no reports about TLS, which is optional without MTA-STS")
    yield Problem("The domain has an MTA-STS policy, and nobody gets the reports about it.", remedy, warning=True)


def _bimi(site: "Site") -> "Iterator[Problem]":
    name = f"default._bimi.{site.outputs.domain}"
    wanted = [record for record in site.outputs.dns_records if record.name == name]
    found = [value for value in values(site, name, "TXT") if value.lower().startswith("v=bimi")]
    if not found and not wanted:
        raise NotApplicable("the domain publishes no logo, which is optional")
    again = f"mailer dns --stack {site.outputs.stack} --check" if wanted else f"correct TXT {name}: {_PAGE}, 'BIMI'"
    if len(found) != 1:
        words = (
            f"TXT {name} is missing." if not found else f"TXT {name} has {len(found)} BIMI records; receivers use none."
        )
        yield Problem(words, again, warning=True)
        return
    tags = mta_sts.only(found, _BIMI, "BIMI §4.2")
    logo = (tags or {}).get("l", "")
    if tags is not None and not logo and "l" in tags:
        raise NotApplicable("the domain declines to show a logo")
    address = _HTTPS.match(logo)
    if tags is None or not address or not _is_https(tags.get("a", "")):
        yield Problem(f"TXT {name} is not of the form v=BIMI1; l=https://…; a=https://….", again, warning=True)
        return
    yield from _enforcement(site)
    yield from _logo(site, logo, *address.groups())


def _is_https(text: str) -> bool:
    return text in {"", "self"} or bool(_HTTPS.match(text))


def _enforcement(site: "Site") -> "Iterator[Problem]":
    """A logo needs DMARC that is enforced. The record itself is the business of the check `dmarc-record`."""
    from mailer.dnscheck.dmarc import Walk

    if site.ask is None:
        return
    if _has_bad_dmarc(site):
        return
    applies = Walk(site.ask).from_domain(site.outputs.domain).applies
    policy = applies.policy if applies else "none"
    if policy == "none":
        yield Problem(
            "The domain has a BIMI record, and its DMARC policy is not enforced: mailboxes show no logo.",
            "raise mailstack:dmarc.policy to quarantine or reject, or remove the BIMI record",
            warning=True,
        )


def _has_bad_dmarc(site: "Site") -> bool:
    from mailer.dnscheck.verdict import all_published
    from mailer.doctor.checks.identity import kind_of

    if not site.outputs.dns_records:
        return False
    report = report_of(site)
    return not all_published(
        one for one in report.findings if kind_of(one.record.name, one.record.values[0]) == "dmarc"
    )


def _logo(site: "Site", logo: str, host: str, path: str) -> "Iterator[Problem]":
    remedy = (
        "serve an SVG of the profile tiny-ps, of 32 KB at most, with a valid certificate: docs/guides/dns.md, 'BIMI'"
    )
    try:
        page = site.web(host.lower(), path)
    except NoPage as why:
        yield Problem(f"The logo {logo} cannot be fetched: {why}.", remedy, warning=True)
        return
    problems = {
        f"answers {page.status}": page.status != _OK,
        f"is {page.media_type or 'of no type'}, not image/svg+xml": page.media_type != "image/svg+xml",
        "is no SVG of the profile tiny-ps": not _PROFILE.search(page.text),
        f"has more than {_MOST_LOGO} bytes": len(page.text.encode()) > _MOST_LOGO,
    }
    wrong = next((words for words, is_so in problems.items() if is_so), "")
    if wrong:
        yield Problem(f"The logo {logo} {wrong}.", remedy, warning=True)


CHECKS = (
    Check(
        "tls-policy",
        "A wrong MTA-STS policy keeps mail to the domain away: replies, reports.",
        f"{_PAGE}#mta-sts-and-tls-reports",
        _tls_policy,
        needs="dns",
    ),
    Check(
        "tls-reports",
        "Reports say who could not deliver to the domain over TLS.",
        f"{_PAGE}#mta-sts-and-tls-reports",
        _tls_reports,
        needs="dns",
    ),
    Check("bimi", "Mailboxes show a logo only if all parts of it are right.", f"{_PAGE}#bimi", _bimi, needs="dns"),
)
