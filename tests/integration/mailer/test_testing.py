"""The pytest plugin: docs/guides/testing.md runs as it is written, and what it does not show."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mailer import Attachment, Message, Status
from mailer.errors import OutcomeUnknown, Throttled
from mailer.stores.base import Suppression
from mailer.testing import Outbox, Ses
from mailstack_localcloud import LocalCloud

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "guides" / "testing.md"
_FILE = re.compile(r"^`(?P<name>[\w/.]+)`\n\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
HELLO = Message(
    subject="Hello", text="Hello Ada: https://example.com/in", to="ada@example.com", tags={"kind": "greeting"}
)


def test_guide_runs_beside_the_files_of_other_guides(pytester: pytest.Pytester):
    # The pages start-*.md are for different teams, each with a project of its own.
    for guide in (page for page in (ROOT / "docs").rglob("*.md") if not page.name.startswith("start-")):
        for name, code in files_of(guide).items():
            file = pytester.path / name
            # Two pages may begin with the same file.
            assert not file.exists() or file.read_text(encoding="utf-8") == code
            file.parent.mkdir(exist_ok=True)
            file.write_text(code, encoding="utf-8")
    files = files_of(GUIDE)
    wanted = sum(code.count("def test_") for code in files.values())
    ran = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error", "-W", "ignore::ResourceWarning")
    outcomes = ran.parseoutcomes()
    assert outcomes.keys() == {"passed"}
    assert outcomes["passed"] >= wanted >= 15


# Runs when Python starts, and so in every process of a test.
HIDE = """
from importlib.machinery import PathFinder

found = PathFinder.find_spec

def find_spec(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in {hidden!r} else found(name, path, target)

PathFinder.find_spec = classmethod(find_spec)
"""


def hide(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have packages be missing in all that this test starts."""
    pytester.makepyfile(sitecustomize=HIDE.format(hidden=names))
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))


def files_of(guide: Path) -> dict[str, str]:
    return {match["name"]: match["code"] for match in _FILE.finditer(guide.read_text(encoding="utf-8"))}


def test_ses_fixture_restores_the_process_environment(pytester: pytest.Pytester):
    """Environment, signals, logging, warnings, temporary files, threads: before, and at the end of the run."""
    pytester.makeconftest("""
        import gc, logging, os, signal, sys, tempfile, threading

        def seen():
            environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
            return (environment, tempfile.tempdir, gc.get_threshold(), os.getcwd(), list(sys.path),
                    logging.root.level, signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM),
                    sorted(thread.name for thread in threading.enumerate()))

        def pytest_configure(config):
            config.stash["before"] = seen()

        def pytest_unconfigure(config):
            for now, before in zip(seen(), config.stash["before"], strict=True):
                assert now == before
            print("as it was")
    """)
    pytester.makepyfile("""
        import os, threading, warnings
        import pytest
        from mailer import Message

        def test_inside(ses):
            assert "localcloud" in {thread.name for thread in threading.enumerate()}
            assert ses.mailer.send(Message(subject="Hello", text="Hello", to="ada@example.com")).ok
            ses.cloud.client("s3").create_bucket(Bucket="a-service-that-is-loaded-late")
            assert os.environ["AWS_ENDPOINT_URL"] == ses.cloud.endpoint
            with pytest.raises(DeprecationWarning):
                warnings.warn("mine", DeprecationWarning)

        def test_nothing_points_there_without_the_fixture():
            assert "AWS_ENDPOINT_URL" not in os.environ
    """)
    ran = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error")
    ran.assert_outcomes(passed=2)
    assert ran.ret == 0
    ran.stdout.fnmatch_lines(["as it was"])


def test_ses_runs_in_a_process_of_its_own_where_that_is_wanted(pytester: pytest.Pytester):
    pytester.makeini("[pytest]\nmailstack_cloud = child")
    pytester.makepyfile("""
        import sys, threading

        def test_child(ses):
            assert ses.sent == []
            assert "ministack" not in sys.modules
            assert "localcloud" not in {thread.name for thread in threading.enumerate()}
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_process_has_one_local_cloud_inside_it_and_says_so():
    program = (
        "from mailstack_localcloud import LocalCloud, LocalCloudError\n"
        "LocalCloud.inside('eu-west-1').stop()\n"
        "try:\n    LocalCloud.inside()\nexcept LocalCloudError as error:\n    print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (ran.stdout, ran.stderr) == (
        "This process had a local cloud, or ministack, inside it already. Use LocalCloud.start().\n",
        "",
    )


def test_without_its_extra_it_says_what_to_install(pytester: pytest.Pytester):
    pytester.makeconftest(
        "import mailer.testing.plugin as plugin\n"
        "plugin._NEEDED = ('mailstack_localcloud', 'a_package_that_is_not_there')"
    )
    pytester.makepyfile("def test_one(ses): pass")
    ran = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(["*needs a_package_that_is_not_there: pip install *localcloud*[[]testing]*"])


def test_the_fixtures_and_the_local_cloud_do_without_pulumi(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """With `mailstack[testing]` alone, neither Pulumi nor what comes with it is there."""
    needed = tomllib.loads((ROOT / "localcloud" / "pyproject.toml").read_text())["project"]["dependencies"]
    assert not [requirement for requirement in needed if requirement.startswith("pulumi")]
    hide(pytester, monkeypatch, "grpc", "google", "pulumi", "pulumi_aws")
    pytester.makepyfile("""
        import pytest
        from mailer import Message

        def test_fixture(ses):
            assert ses.mailer.send(Message(subject="Hello", text="Hello", to="ada@example.com")).ok
            assert [mail.outcomes for mail in ses.sent] == [("Send", "Delivery")]

        def test_server():
            from mailstack_localcloud import LocalCloud
            with LocalCloud.start() as cloud:
                assert cloud.client("sesv2").get_account()["SendingEnabled"]
                assert cloud.smtp.port

        def test_deploying_says_what_is_missing():
            with pytest.raises(ModuleNotFoundError, match=r"needs grpc, .*mailstack-localcloud\\[pulumi\\]"):
                import mailstack_localcloud.pulumi.cli
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)


def test_a_client_that_would_reach_the_real_aws_fails_its_test(pytester: pytest.Pytester):
    pytester.makepyfile("""
        import asyncio, smtplib, threading, urllib.request
        import boto3, pytest

        early = boto3.client("sesv2", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        URL = "https://email.eu-west-1.amazonaws.com"

        def swallow(call, *arguments):
            try:
                return call(*arguments)
            except Exception:
                return None

        def test_endpoint_of_its_own(ses):
            swallow(boto3.client("ses", endpoint_url=URL).get_send_quota)

        def test_made_before(ses):
            swallow(early.get_account)

        def test_other_service(ses):
            swallow(boto3.client("s3", endpoint_url="https://s3.cn-north-1.amazonaws.com.cn").list_buckets)

        def test_proxy(ses, monkeypatch):
            monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
            swallow(boto3.client("sesv2", endpoint_url="https://email.us-east-1.api.aws").get_account)

        def test_smtp(ses):
            swallow(smtplib.SMTP, "email-smtp.us-east-1.amazonaws.com", 587)

        def test_urllib(ses):
            swallow(urllib.request.urlopen, URL)

        def test_thread(ses):
            thread = threading.Thread(target=swallow, args=(early.get_account,))
            thread.start()
            thread.join()

        def test_asyncio(ses):
            asyncio.run(connect())

        async def connect():
            try:
                await asyncio.open_connection("email.us-east-1.amazonaws.com", 443)
            except Exception:
                pass
    """)
    ran = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    outcomes = ran.parseoutcomes()
    assert (outcomes["failed"], outcomes["errors"], outcomes["passed"]) == (6, 2, 2)  # errors: of other threads
    ran.stdout.fnmatch_lines(["*https://email.eu-west-1.amazonaws.com/ is AWS itself. The client has an endpoint*"])


def test_other_hosts_than_awss_are_the_applications_business(pytester: pytest.Pytester):
    pytester.makepyfile("""
        import socket
        import boto3, pytest
        from botocore.exceptions import EndpointConnectionError

        def test_service_like_s3(ses):
            with socket.create_server(("127.0.0.1", 0)) as server:
                port = server.getsockname()[1]
            client = boto3.client("s3", endpoint_url=f"http://localhost:{port}")
            with pytest.raises(EndpointConnectionError):
                client.list_buckets()

        def test_database(ses):
            with pytest.raises(OSError):
                socket.create_connection(("orders.invalid", 5432), timeout=1)

        def test_nothing_is_refused_without_the_fixture():
            assert socket.getaddrinfo.__module__ == "socket"
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)


@pytest.mark.parametrize("starting", ["LocalCloud.start()", "LocalCloud.inside()"])
def test_a_local_cloud_without_its_extra_says_what_to_install(
    starting: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    hide(pytester, monkeypatch, "orjson")
    ran = pytester.run(sys.executable, "-c", f"from mailstack_localcloud import LocalCloud\n{starting}")
    ran.stderr.fnmatch_lines(["*LocalCloudError: The local cloud needs orjson, *pip install *mailstack-localcloud*"])


def test_loading_the_plugin_loads_nothing_heavy():
    program = (
        "import sys, mailer.testing.plugin; "
        "print({'boto3', 'pydantic', 'jinja2', 'mailstack_localcloud', 'mailer.testing.ses'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == "set()"


def test_a_mail_is_seen_whole(cloud: LocalCloud):
    ses = Ses(cloud)
    message = Message(
        subject="Grüße",
        html='<p>Hello <a href="https://example.com/in">Ada</a></p>',
        to="Ada <ada@example.com>",
        cc="bob@example.com",
        bcc="eve@example.com",
        headers={"X-Order": "7"},
        attachments=[Attachment("a.pdf", b"%PDF")],
        stream="marketing",
    )
    result = ses.mailer.send(message)
    (mail,) = ses.sent
    assert (mail.message_id, mail.subject, mail.text) == (result.message_id, "Grüße", "")
    assert (mail.to, mail.cc, mail.bcc) == (("Ada <ada@example.com>",), ("bob@example.com",), ("eve@example.com",))
    assert (mail.links, mail.headers["X-Order"]) == (("https://example.com/in",), "7")
    assert [(one.filename, one.content_type, one.size) for one in mail.attachments] == [("a.pdf", "application/pdf", 4)]
    assert mail.configuration_set == ses.outputs.streams["marketing"].configuration_set
    assert mail.outcomes == ("Send", "Delivery", "Delivery", "Delivery")


def test_a_test_finds_nothing_of_the_one_before(cloud: LocalCloud):
    before = Ses(cloud)
    before.suppressions.put(Suppression("bob@example.com", "manual"))
    before.behave("*", "bounce")
    before.fault("throttle")
    after = Ses(cloud)
    assert after.mailer.send(HELLO, to="bob@example.com").ok
    assert [mail.outcomes for mail in after.sent] == [("Send", "Delivery")]


def test_any_pattern_of_addresses_may_behave(cloud: LocalCloud):
    ses = Ses(cloud)
    ses.behave("user?#1@gone.test", "bounce:NoEmail")
    ses.behave("*/*@slow.test", "delay:IPFailure")
    for address in ("user7#1@gone.test", "a/b@slow.test"):
        assert ses.mailer.send(HELLO, to=address).ok
    assert [mail.outcomes for mail in ses.sent] == [("Send", "Bounce"), ("Send", "DeliveryDelay")]


def test_impossible_fault_fails_at_the_line_that_sets_it(pytester: pytest.Pytester):
    pytester.makepyfile("""
        def test_behaviour(ses):
            ses.behave("*", "bounced")

        def test_sent(ses):
            from mailer import Message
            ses.mailer.send(Message(subject="Hello", text="Hello", to="ada@example.com"))
            assert ses.sent == []
    """)
    ran = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    ran.assert_outcomes(failed=2)
    ran.stdout.fnmatch_lines([
        ">*ses.behave(*bounced*",
        "E *LocalCloudError: PUT recipients/[*]: There is no outcome 'bounced'. There are delivery, bounce, *",
        "E *item: <Sent 'Hello' to ada@example.com: Send, Delivery>",
    ])  # fmt: skip
    assert "HTTPError" not in ran.stdout.str()


def test_feedback_is_dealt_with_once(cloud: LocalCloud):
    ses = Ses(cloud)
    ses.behave("ada@example.com", "complaint")
    ses.mailer.send(HELLO)
    ses.process_feedback()
    assert ses.mailer.send(HELLO)["ada@example.com"].status is Status.SUPPRESSED
    ses.suppressions.remove("ada@example.com")
    ses.process_feedback()
    assert ses.mailer.send(HELLO).ok


def test_outbox_fails_the_requested_number_of_times():
    outbox = Outbox()
    outbox.fail(Throttled("too fast"), times=4)
    assert outbox.mailer.send(HELLO)["ada@example.com"].status is Status.THROTTLED
    assert outbox.mailer.send(HELLO).message_id == "outbox-1"
    outbox.fail(OutcomeUnknown("no answer"))
    outbox.clear()
    assert outbox.mailer.send(HELLO).ok
    assert [message.tags for message in outbox[:]] == [(("kind", "greeting"),)]
