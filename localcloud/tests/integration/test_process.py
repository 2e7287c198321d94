"""The local cloud as a process: start and stop, command line, control plane, the AWS CLI."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request
from http.client import HTTPResponse
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from mailstack_localcloud import LocalCloud, LocalCloudError
from tests.processes import child
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


def answers(endpoint: str) -> bool:
    host, _, port = endpoint.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


def test_start_on_loopback_and_stop_without_leftovers():
    with LocalCloud.start() as cloud:
        assert cloud.endpoint.startswith("http://127.0.0.1:")
        assert cloud.control("GET", "health")["status"] == "ok"
        scratch = Path(cloud.smtp.certificate).parent
        assert scratch.is_dir()
    assert not answers(cloud.endpoint)
    assert not scratch.exists()


def test_start_does_not_load_what_few_requests_need():
    program = textwrap.dedent("""
        import sys
        from mailstack_localcloud import LocalCloud
        LocalCloud.inside().stop()
        print(*sys.modules)
    """)
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    # Not cryptography: KMS has it, and key policies are judged from the first request on.
    parts = {"aiosmtpd", "hypercorn", "h11", "jinja2", "boto3", "ministack.services.s3"}
    ours = {
        "chatbot.service",
        "control.autosave",
        "control.mail_links",
        "control.routes",
        "faults.connection",
        "inbox.page",
        "pulumi",
        "ses.fault_target",
        "ses.saved_state",
        "ses_v1.fault_target",
        "ses_v1.service",
        "smtp.session",
    }
    assert (parts | {f"mailstack_localcloud.{name}" for name in ours}) & set(loaded.split()) == set()
    missing = [name for name in ours if find_spec(f"mailstack_localcloud.{name}") is None]
    assert not missing  # a module that was renamed would never be found among the loaded ones


def test_a_taken_port_is_a_clear_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalCloudError, match=f"Port {port} on 127.0.0.1 cannot be used"):
            LocalCloud.start(port=port)


def test_server_exits_when_its_parent_is_killed():
    program = textwrap.dedent("""
        import sys, time
        from mailstack_localcloud import LocalCloud
        print(LocalCloud.start().endpoint, flush=True)
        time.sleep(3600)
    """)
    with child(
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    ) as parent:
        assert parent.stdout
        endpoint = parent.stdout.readline().strip()
        assert answers(endpoint)
        parent.kill()
    eventually(lambda: not answers(endpoint), "the local cloud outlives its parent")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_how_to_use_it_and_stops_quietly(number: signal.Signals):
    command = [sys.executable, "-m", "mailstack_localcloud", "--json", "--region", "eu-south-1"]
    with child(
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    ) as process:
        assert process.stdout
        assert process.stderr
        known = json.loads(process.stdout.readline())
        assert known["environment"]["AWS_ENDPOINT_URL"] == known["endpoint"]
        assert known["environment"]["AWS_REGION"] == "eu-south-1"
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""


def test_dkim_is_hosted_where_the_region_has_it():
    with LocalCloud.start(region="eu-south-1") as cloud:
        made = cloud.client("sesv2").create_email_identity(EmailIdentity="example.test")
    assert made["DkimAttributes"]["SigningHostedZone"] == "dkim.eu-south-1.amazonses.com"


def test_environment_variables_are_all_that_an_sdk_needs(cloud: LocalCloud):
    program = "import boto3; print(boto3.client('sesv2').get_account()['EnforcementStatus'])"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, **cloud.environment()},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert ran.stdout.strip() == "HEALTHY"


def test_the_aws_cli_works_against_it(cloud: LocalCloud):
    def aws(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **cloud.environment(), "AWS_PAGER": ""}
        command = [
            sys.executable,
            "-m",
            "awscli",
            "--endpoint-url",
            cloud.endpoint,
            "--output",
            "json",
            "sesv2",
            *arguments,
        ]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)

    made = aws("create-email-identity", "--email-identity", "example.test")
    assert len(json.loads(made.stdout)["DkimAttributes"]["Tokens"]) == 3
    assert [one["IdentityName"] for one in json.loads(aws("list-email-identities").stdout)["EmailIdentities"]] == [
        "example.test"
    ]
    for name in ("a", "b", "c"):
        cloud.client("sesv2").create_configuration_set(ConfigurationSetName=name)
    page = json.loads(aws("list-configuration-sets", "--page-size", "2", "--no-paginate").stdout)
    assert page["ConfigurationSets"] == ["a", "b"]
    rest = json.loads(aws("list-configuration-sets", "--next-token", page["NextToken"], "--no-paginate").stdout)
    assert rest["ConfigurationSets"] == ["c"]
    refused = aws("get-configuration-set", "--configuration-set-name", "none")
    assert refused.returncode != 0
    assert "NotFoundException" in refused.stderr


def test_the_control_plane_lists_itself(cloud: LocalCloud):
    assert "POST /_localcloud/reset" in cloud.control("GET", "")


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("GET", "nothing", None, "No GET"),
        ("PUT", "recipients/*@a.test", {"outcome": "mood"}, "There is no outcome 'mood'"),
        ("DELETE", "recipients/*@a.test", None, "No pattern"),
        ("PUT", "account", {"mood": 1}, "is not a setting"),
        ("PUT", "account", {"max_send_rate": "much"}, "must be a float"),
        ("POST", "identities/none.test/verify", None, "No identity"),
    ],
)
def test_the_control_plane_says_what_is_wrong(
    cloud: LocalCloud, method: str, path: str, body: dict[str, object] | None, problem: str
):
    with pytest.raises(LocalCloudError, match=problem):
        cloud.control(method, path, body)


# A proxy of the environment has no business with the loopback interface.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(url: str) -> HTTPResponse:
    return DIRECT.open(url, timeout=PATIENCE)


def page(cloud: LocalCloud, path: str) -> tuple[str, dict[str, str]]:
    with fetch(f"{cloud.endpoint}{path}") as answer:
        return answer.read().decode(), {name.lower(): value for name, value in answer.headers.items()}


def test_inbox_shows_a_mail_without_running_its_scripts(cloud: LocalCloud):
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    markup = "<p>Hello <b>Ada</b></p><script>alert(1)</script><img src='cid:logo'>"
    logo = {"FileName": "logo.png", "RawContent": b"\x89PNG", "ContentType": "image/png", "ContentId": "logo"}
    simple: Any = {
        "Subject": {"Data": "<script>alert(2)</script>"},
        "Body": {"Text": {"Data": "Hello Ada"}, "Html": {"Data": markup}},
        "Attachments": [{**logo, "ContentDisposition": "INLINE", "ContentTransferEncoding": "BASE64"}],
    }
    message_id = ses.send_email(
        FromEmailAddress="ada@example.test",
        Destination={"ToAddresses": ["bounce@simulator.amazonses.com"]},
        Content={"Simple": simple},
    )["MessageId"]

    listed, _ = page(cloud, "/inbox")
    assert f"/inbox/{message_id}" in listed
    assert "&lt;script&gt;alert(2)" in listed
    assert "<script>alert(2)" not in listed
    shown, headers = page(cloud, f"/inbox/{message_id}")
    # It may open its links in a page of their own, and nothing else.
    assert '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src' in shown
    assert "Permanent / General" in shown
    assert "Hello Ada" in shown
    assert "<script>alert(1)" not in shown
    assert "default-src 'none'" in headers["content-security-policy"]
    rendered, headers = page(cloud, f"/inbox/{message_id}/html")
    assert headers["content-security-policy"].startswith("sandbox allow-popups allow-popups-to-escape-sandbox;")
    # Its sandbox makes it another site, which may load nothing from here.
    assert "<img src='data:image/png;base64,iVBORw=='>" in rendered
    source, _ = page(cloud, f"/inbox/{message_id}/source")
    assert f"Message-ID: <{message_id}@email.amazonses.com>" in source
