"""Tree walks over records in memory, after the examples of RFC 9989 §4.10 and its appendix B."""

import pytest

from mailer.dmarc import Discovery, Record, discover, parse, targets

PLAIN, SUFFIX, OWN = "v=DMARC1", "v=DMARC1; psd=y", "v=DMARC1; psd=n"


def walk(domain: str, **texts: str) -> Discovery:
    """Discover from a domain; `a_b` stands for `a.b`."""
    records = {name.replace("_", "."): text for name, text in texts.items()}
    return discover(domain, lambda name: parse(records[name], name) if name in records else None)


@pytest.mark.parametrize(
    ("domain", "asked"),
    [
        ("com", ["com"]),
        ("example.com", ["example.com", "com"]),
        ("a.b.c.d.e.f.example.com", [
            *("a.b.c.d.e.f.example.com", "b.c.d.e.f.example.com", "c.d.e.f.example.com", "d.e.f.example.com"),
            *("e.f.example.com", "f.example.com", "example.com", "com"),
        ]),
        ("z.y.a.b.c.d.e.f.example.com", [
            *("z.y.a.b.c.d.e.f.example.com", "b.c.d.e.f.example.com", "c.d.e.f.example.com", "d.e.f.example.com"),
            *("e.f.example.com", "f.example.com", "example.com", "com"),
        ]),
    ],
)  # fmt: skip
def test_a_walk_asks_eight_names_at_most(domain: str, asked: list[str]):
    assert list(targets(domain)) == asked


@pytest.mark.parametrize(
    ("domain", "texts", "organizational", "applies"),
    [
        ("a.mail.example.com", {"mail_example_com": PLAIN, "example_com": PLAIN}, "example.com", "example.com"),
        ("a.mail.example.com", {"com": SUFFIX}, "example.com", "com"),
        ("a.mail.example.com", {"mail_example_com": OWN, "example_com": PLAIN}, "mail.example.com", "mail.example.com"),
        ("example.com", {"example_com": PLAIN, "com": SUFFIX}, "example.com", "example.com"),
        ("mail.example.com", {"mail_example_com": PLAIN, "com": SUFFIX}, "example.com", "mail.example.com"),
        ("example.com", {}, "example.com", None),
        ("b.c.example.com", {"b_c_example_com": PLAIN}, "b.c.example.com", "b.c.example.com"),
        ("gov.example", {"gov_example": SUFFIX, "example": PLAIN}, "example", "gov.example"),
    ],
)  # fmt: skip
def test_a_walk_finds_organization_and_record(
    domain: str, texts: dict[str, str], organizational: str, applies: str | None
):
    found = walk(domain, **texts)
    assert found.organizational == organizational
    assert (found.applies.domain if found.applies else None) == applies


@pytest.mark.parametrize(
    ("text", "policy", "subdomains"),
    [
        ("v=DMARC1; p=reject", "reject", "reject"),
        ("V = DMARC1 ; P = Reject ; sp=none", "reject", "none"),
        ("v=DMARC1; p=reject; t=y", "quarantine", "quarantine"),
        ("v=DMARC1; p=quarantine; t=y", "none", "none"),
        ("v=DMARC1; p=quarantine; pct=10", "quarantine", "quarantine"),
        ("v=DMARC1", "none", "none"),
        ("v=DMARC1; p=nonsense", "none", "none"),
        ("v=DMARC1; p=reject; sp=nonsense", "none", "none"),
    ],
)
def test_a_policy_is_read_as_receivers_apply_it(text: str, policy: str, subdomains: str):
    record = parse(text, "example.com")
    assert isinstance(record, Record)
    assert (record.policy, record.subdomain_policy) == (policy, subdomains)


@pytest.mark.parametrize("text", ["", "p=none; v=DMARC1", "v=dmarc1; p=none", "v=DMARC10; p=none", "v=spf1 -all"])
def test_record_must_begin_with_its_version(text: str):
    assert parse(text) is None
