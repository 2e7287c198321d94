"""Fault rules, and the targets that requests have."""

import asyncio
import base64
import doctest
import json
import socket
from typing import Any
from urllib.parse import quote

import pytest

from mailstack_localcloud.faults import rules
from mailstack_localcloud.faults.connection import reset
from mailstack_localcloud.faults.rules import Fault, FaultError, Faults, parse
from mailstack_localcloud.faults.target import Target
from mailstack_localcloud.http import Request
from mailstack_localcloud.ses import fault_target as v2
from mailstack_localcloud.ses_v1 import fault_target as v1

ADA, BOB = "ada@example.com", "bob@example.org"


def struck(fault: Fault, times: int, operation: str = "SendEmail", recipients: tuple[str, ...] = (ADA,)) -> str:
    faults = Faults()
    faults.put("one", fault)
    return "".join("x" if faults.choose(operation, recipients) else "." for _ in range(times))


def test_the_examples_hold():
    assert doctest.testmod(rules).failed == 0


@pytest.mark.parametrize(
    ("options", "operation", "recipients", "fits"),
    [
        ({}, "GetAccount", (), True),
        ({"operation": "SendEmail"}, "SendEmail", (), True),
        ({"operation": "SendEmail"}, "SendBulkEmail", (), False),
        ({"operation": "Send*"}, "SendBulkEmail", (), True),
        ({"recipient": "*@example.org"}, "SendEmail", (ADA, "BOB@EXAMPLE.ORG"), True),
        ({"recipient": "*@example.org"}, "SendEmail", (ADA,), False),
        ({"recipient": "*@example.org"}, "GetAccount", (), False),
    ],
)
def test_a_fault_fits_by_operation_and_recipient(
    options: dict[str, Any], operation: str, recipients: tuple[str, ...], fits: bool
):
    assert Fault("throttle", **options).fits(operation, recipients) is fits


@pytest.mark.parametrize(
    ("fault", "whole", "entry"),
    [
        (Fault("throttle", recipient=ADA), False, True),
        (Fault("error", recipient=ADA, code="MessageRejected"), False, True),
        (Fault("error", operation="SendBulkEmail", recipient=ADA, code="TRANSIENT_FAILURE"), False, True),
        (Fault("throttle"), True, False),
        (Fault("reset-after", recipient=ADA), True, False),
        (Fault("throttle", recipient=BOB), False, False),
    ],
)
def test_recipient_fault_strikes_bulk_entries_not_the_call(fault: Fault, whole: bool, entry: bool):
    faults = Faults()
    faults.put("one", fault)
    assert (faults.choose("SendBulkEmail", [ADA]) is fault) is whole
    assert (faults.choose("SendBulkEmail", [ADA], is_entry=True) is fault) is entry


@pytest.mark.parametrize("options", [{"recipient": ADA}, {"operation": "SendBulkEmail"}])
def test_a_status_of_an_entry_needs_an_entry(options: dict[str, str]):
    with pytest.raises(FaultError, match="TRANSIENT_FAILURE is the status of an entry"):
        parse({"effect": "error", "code": "TRANSIENT_FAILURE", **options})


def test_fault_times_and_skip():
    assert struck(Fault("throttle"), 4) == "xxxx"
    assert struck(Fault("throttle", times=2), 4) == "xx.."
    assert struck(Fault("throttle", skip=1, times=2), 5) == ".xx.."


def test_fault_rate_is_deterministic_per_seed():
    once = struck(Fault("throttle", rate=0.3, seed=7), 1000)
    assert once == struck(Fault("throttle", rate=0.3, seed=7), 1000)
    assert once != struck(Fault("throttle", rate=0.3, seed=8), 1000)
    assert 250 < once.count("x") < 350


def test_requests_that_do_not_fit_change_no_draw():
    faults = Faults()
    faults.put("one", Fault("throttle", operation="SendEmail", rate=0.5))
    mixed = [faults.choose(name, ()) for _ in range(50) for name in ("GetAccount", "SendEmail")]
    assert "".join("x" if one else "." for one in mixed[1::2]) == struck(Fault("throttle", rate=0.5), 50)


def test_first_matching_fault_decides_and_spares_the_others():
    faults = Faults()
    faults.put("slow", Fault("slow", times=1))
    faults.put("throttle", Fault("throttle", times=1))
    effects = [fault.effect if fault else "" for fault in (faults.choose("SendEmail", ()) for _ in range(3))]
    assert effects == ["slow", "throttle", ""]


def test_setting_a_fault_again_starts_its_counts_again():
    faults = Faults()
    faults.put("one", Fault("throttle", times=1))
    faults.choose("SendEmail", ())
    armed = faults.put("one", Fault("throttle", times=1))
    assert (armed.matched, armed.struck) == (0, 0)
    assert faults.choose("SendEmail", ())


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "effect must be one of throttle,"),
        ({"effect": "boom"}, "not 'boom'"),
        ({"effect": "throttle", "recipients": "*"}, "recipients is not a member"),
        ({"effect": "throttle", "times": "2"}, "times must be an integer or null, not '2'"),
        ({"effect": "throttle", "times": True}, "times must be an integer or null, not True"),
        ({"effect": "throttle", "times": 0}, "times must be at least 1"),
        ({"effect": "throttle", "rate": 1.5}, "rate must be above 0"),
        ({"effect": "throttle", "skip": -1}, "skip must not be negative"),
        ({"effect": "error"}, "needs a code"),
        ({"effect": "error", "code": "Odd", "status": 200}, "status must be 400 to 599"),
        ({"effect": "slow", "seconds": -1}, "seconds must be 0 to"),
    ],
)
def test_invalid_fault_is_refused(given: dict[str, object], problem: str):
    with pytest.raises(FaultError, match=problem):
        parse(given)


def test_a_fault_is_what_its_json_says():
    assert parse({"effect": "slow", "seconds": 1, "times": None}) == Fault("slow", seconds=1)
    assert Fault("slow").delay < Fault("timeout-after").delay
    assert Fault("timeout-after", seconds=0).delay == 0


def request(path: str, body: object) -> Request:
    return Request("POST", path, {}, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


SIMPLE_FORM = (
    "Action=SendEmail&Source=a%40b.test&Message.Subject.Data=x&Message.Body.Text.Data=x&"
    "Destination.ToAddresses.member.1=Ada+%3Cada%40example.com%3E&"
    "Destination.BccAddresses.member.1=bob%40example.org"
)
CONTENT = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}}
RAW = {"Raw": {"Data": base64.b64encode(b"From: eve@example.com\r\nTo: Ada <ada@example.com>\r\n\r\n").decode()}}


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        (
            "outbound-emails",
            {"Content": CONTENT, "Destination": {"ToAddresses": [f"Ada <{ADA}>"], "BccAddresses": [BOB]}},
            Target("SendEmail", (ADA, BOB)),
        ),
        ("outbound-emails", {"Content": RAW}, Target("SendEmail", (ADA,))),
        ("outbound-emails", {"Content": RAW, "Destination": {"ToAddresses": [BOB]}}, Target("SendEmail", (BOB,))),
        (
            "outbound-bulk-emails",
            {
                "DefaultContent": {"Template": {"TemplateName": "t", "TemplateData": "{}"}},
                "BulkEmailEntries": [{"Destination": {"ToAddresses": [ADA]}}, {"Destination": {"CcAddresses": [BOB]}}],
            },
            Target("SendBulkEmail", (ADA, BOB)),
        ),
        ("outbound-emails", b"{", Target("SendEmail")),
        ("configuration-sets", {"ConfigurationSetName": "news"}, Target("CreateConfigurationSet")),
        ("nothing", {}, Target("")),
    ],
)
def test_target_of_a_v2_request(path: str, body: object, found: Target):
    assert v2.target(request(f"/v2/email/{path}", body)) == found


@pytest.mark.parametrize(
    ("form", "found"),
    [
        (
            SIMPLE_FORM,
            Target("SendEmail", (ADA, BOB)),
        ),
        (
            "Action=SendRawEmail&Destinations.member.1=bob%40example.org&RawMessage.Data=WA%3D%3D",
            Target("SendRawEmail", (BOB,)),
        ),
        (f"Action=SendRawEmail&RawMessage.Data={quote(RAW['Raw']['Data'])}", Target("SendRawEmail", (ADA,))),
        ("Action=SendEmail", Target("SendEmail")),
        ("Action=GetSendQuota", Target("GetSendQuota")),
    ],
)
def test_target_of_a_v1_request(form: str, found: Target):
    assert v1.target(Request("POST", "/", {}, {}, form.encode())) == found


def test_unknown_operation_pattern():
    assert v2.is_operation("Send*")
    assert not v2.is_operation("SendMail")


def test_reset_after_client_disconnect_is_ignored():
    async def hang_up_twice() -> bool:
        ours, theirs = socket.socketpair()
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        transport, _ = await loop.create_connection(lambda: asyncio.StreamReaderProtocol(reader), sock=ours)
        transport.close()
        await reader.read()  # ends once the connection is lost
        theirs.close()
        reset(transport)
        return transport.is_closing()

    assert asyncio.run(hang_up_twice())
