"""Suppressions from and to files: each provider's columns, wrong rows, and what a spreadsheet must not run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from mailer.errors import ConfigurationError
from mailer.stores.base import Suppression
from mailer.stores.transfer.reading import Defaults, Problem, read
from mailer.stores.transfer.writing import write
from tests.contract.suppression_store import ADA, NOW, suppression

# Of each format: a file, and the reason, time and detail of its first row.
FILES = {
    # https://www.twilio.com/docs/sendgrid/api-reference/bounces-api/retrieve-all-bounces
    "sendgrid-bounces": (
        'status,reason,email,created\n5.1.1,"550 unknown, sorry",{a},1443651125\n',
        "bounce",
        1443651125,
    ),
    "sendgrid-invalid": (
        "email,reason,created\n{a},Mail domain mentioned is unknown,1443651125\n",
        "bounce",
        1443651125,
    ),
    "sendgrid-spam-reports": ("email,ip,created\n{a},192.0.2.1,1443651125\n", "complaint", 1443651125),
    "sendgrid-unsubscribes": ("email,created\n{a},1443651125\n", "unsubscribe", 1443651125),
    # https://postmarkapp.com/developer/api/suppressions-api
    "postmark": (
        (
            '{{"Suppressions":[{{"EmailAddress":"{a}","SuppressionReason":"ManualSuppression","Origin":"Recipient",'
            '"CreatedAt":"2019-12-17T08:58:33-05:00"}}]}}'
        ),
        "unsubscribe",
        1576591113,
    ),
    # https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/bounces
    "mailgun-bounces": (
        'address,code,error,created_at\n{a},550,No such mailbox,"Fri, 21 Oct 2011 11:02:55 GMT"\n',
        "bounce",
        1319194975,
    ),
    "mailgun-unsubscribes": (
        'address,tags,created_at\n{a},*,"Fri, 21 Oct 2011 11:02:55 UTC"\n',
        "unsubscribe",
        1319194975,
    ),
    "mailgun-complaints": ('address,created_at\n{a},"Fri, 21 Oct 2011 11:02:55 GMT"\n', "complaint", 1319194975),
    "mailchimp-cleaned": (
        '"Email Address","First Name",CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\n{a},Ada,"2019-03-21 10:00:00",May\n',
        "bounce",
        1553162400,
    ),
    "mailchimp-unsubscribed": (
        '"Email Address",UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON\n{a},"2019-03-21 10:00:00",May,N/A\n',
        "unsubscribe",
        1553162400,
    ),
    "mailstack": ("address,reason,created_at\n{a},complaint,2019-03-21T10:00:00+00:00\n", "complaint", 1553162400),
}


def of(text: str, chosen: str | None = None, defaults: Defaults | None = None) -> list[Suppression | Problem]:
    return list(read(StringIO(text), "the file", chosen, defaults or Defaults()))


@pytest.mark.parametrize("name", FILES)
def test_export_of_each_provider_is_recognised_and_read(name: str):
    text, reason, seconds = FILES[name]
    for chosen in (None, name):
        (row,) = of(text.format(a="Ada@Example.org"), chosen)
        assert isinstance(row, Suppression)
        assert (row.address, row.reason) == (ADA, reason)
        assert row.created_at == datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("stated", "origin", "reason"),
    [
        ("HardBounce", "Recipient", "bounce"),
        ("SpamComplaint", "Recipient", "complaint"),
        ("ManualSuppression", "Customer", "manual"),
        ("ManualSuppression", "Admin", "manual"),
    ],
)
def test_postmark_s_reasons_are_ours(stated: str, origin: str, reason: str):
    text = f"EmailAddress,SuppressionReason,Origin,CreatedAt\n{ADA},{stated},{origin},2019-12-17\n"
    (row,) = of(text)
    assert isinstance(row, Suppression)
    assert row.reason == reason


def test_export_and_import_are_inverse():
    rows = [
        Suppression(ADA, "bounce", "5.1.1", NOW, "m1", "f1", NOW + timedelta(days=1), "stream:news", "support"),
        replace(suppression("complaint"), address="o'brien+x@example.org", detail='=HYPERLINK("x"), "quoted"\nline'),
        replace(suppression("manual"), address="-dash@example.org", detail="'quoted"),
    ]
    file = StringIO()
    assert write(file, rows) == 3
    assert of(file.getvalue()) == rows


def test_spreadsheet_finds_no_formula():
    file = StringIO()
    write(file, [replace(suppression(), address="=cmd@example.org", detail=sign + "1+1") for sign in "=+-@\t"])
    cells = [cell for line in file.getvalue().splitlines()[1:] for cell in line.split(",")]
    assert [cell for cell in cells if cell.strip('"')[:1] in ("=", "+", "-", "@", "\t")] == []


def test_wrong_rows_are_named_by_line_and_masked():
    first, second, third, fourth, good = of(
        "email,created\nnobody,1\nada@@example.org,1\nada@example.org,yesterday\n,1\n\nbob@example.org,\n"
    )
    problems = [one for one in (first, second, third, fourth) if isinstance(one, Problem)]
    assert [one.line for one in problems] == [2, 3, 4, 5]
    assert not [one for one in problems if "ada@" in one.words or not one.words]
    assert isinstance(good, Suppression)


@pytest.mark.parametrize(
    ("text", "chosen", "said"),
    [
        ("", None, "is not known"),
        ("name,phone\nAda,1\n", None, "its columns are name, phone"),
        ("[]", None, "is not known"),
        ("{", None, "cannot be read"),
        ('email,created\n"ada', None, "cannot be read"),
        ("email,created\n", "postmark", "not a file of postmark"),
    ],
)
def test_file_of_another_kind_is_a_configuration_error(text: str, chosen: str | None, said: str):
    with pytest.raises(ConfigurationError, match=said) as raised:
        of(text, chosen)
    assert raised.value.hint


def test_defaults_fill_in_what_a_row_leaves_out():
    defaults = Defaults("manual", "stream:news", "support", "imported from a.csv")
    (row,) = of(f"\ufeffemail,created\n{ADA},1443651125\n", None, defaults)
    assert isinstance(row, Suppression)
    assert (row.reason, row.scope, row.actor, row.detail) == ("manual", "stream:news", "support", "imported from a.csv")


def test_evidence_holds_no_address():
    (row,) = of(f"status,reason,email,created\n5.1.1,550 <{ADA}> unknown,{ADA},1443651125\n")
    assert isinstance(row, Suppression)
    assert row.detail == "5.1.1 550 <***> unknown"


def test_unknown_reason_of_our_own_format_is_a_problem():
    (row,) = of(f"address,reason\n{ADA},dislike\n")
    assert isinstance(row, Problem)
    assert "dislike" in row.words
