import pytest

from mailstack_infra.dns.existing import unquoted, with_ses


@pytest.mark.parametrize(
    ("shown", "meant"),
    [
        ('"v=spf1 -all"', "v=spf1 -all"),
        ('"a" "b"', "ab"),
        ('"a""b"', "ab"),
        (r'"say \"hi\" \\ \303\251"', 'say "hi" \\ \xc3\xa9'),
        ('""', ""),
        ("bare", "bare"),
    ],
)
def test_a_txt_value_is_read_as_it_is_meant(shown: str, meant: str):
    assert unquoted(shown) == meant


@pytest.mark.parametrize(
    ("policy", "merged"),
    [
        ("v=spf1 -all", "v=spf1 include:amazonses.com -all"),
        ("v=spf1 mx ~all", "v=spf1 mx include:amazonses.com ~all"),
        ("v=spf1 a redirect=_spf.example.net", "v=spf1 a include:amazonses.com redirect=_spf.example.net"),
        ("v=spf1 ip4:192.0.2.0/24", "v=spf1 ip4:192.0.2.0/24 include:amazonses.com"),
        ("v=spf1 +include:AmazonSES.com all", "v=spf1 +include:AmazonSES.com all"),
        ("v=spf1 include:allow.example.net ?ALL", "v=spf1 include:allow.example.net include:amazonses.com ?ALL"),
    ],
)
def test_ses_is_allowed_beside_what_a_policy_allows(policy: str, merged: str):
    assert with_ses(policy) == merged
    assert with_ses(merged) == merged
