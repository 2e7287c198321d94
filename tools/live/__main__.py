"""The command behind `make live`."""

import argparse
import os
import re
import shutil
import signal
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mailer.domain import ascii_domain
from mailstack_infra.settings.loading import read as read_settings
from mailstack_infra.settings.problems import SettingsInvalid
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.backend.credentials import environment
from mailstack_localcloud.isolation import isolated
from mailstack_localcloud.pulumi.find_cli import find_pulumi
from mailstack_localcloud.pulumi.shell import ENGINE, write_plugin
from mailstack_localcloud.pulumi.stack import DeploymentError
from tools.docs.recording import record as record_resources
from tools.live import compare, report
from tools.live.costs import estimate
from tools.live.finding import Outcome
from tools.live.recording import Mask, Recorder
from tools.live.run import Run, clean_up, progress, run
from tools.live.saved import FILE, Saved, SavedError
from tools.live.site import Options, Refused, Site
from tools.live.stack import ROOT, LiveStack
from tools.live.steps import STEPS
from tools.live.steps.deployment import settings

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

    from mailer.dnscheck.lookup import Lookup

FAILED, WRONG, INTERRUPTED = 1, 2, 130
LOCAL_DOMAIN = "example.test"
_LOCAL_REGION = "us-east-1"
DESCRIPTION = """\
Deploys a stack of its own into your AWS account, sends to the mailbox simulator, settles what the documentation marks
as not verified, deletes the stack, and writes a report. docs/guides/live-check.md says what it needs and costs.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(prog="make live", description=DESCRIPTION)
    command.add_argument("domain", nargs="?", default="", help="a domain or subdomain without an identity in SES")
    command.add_argument("--zone", default="", help="the Route 53 zone that holds it; default: its own")
    command.add_argument("--region", default="", help="of AWS; default: that of the environment or profile")
    command.add_argument(
        "--deploy-profile", default="", metavar="NAME", help="the AWS profile that Pulumi deploys with"
    )
    command.add_argument("--report", type=Path, default=Path("live-check"), metavar="DIR", help="default: live-check")
    command.add_argument("--record", type=Path, metavar="DIR", help="also write AWS's answers, masked")
    command.add_argument("--compare", type=Path, metavar="DIR", help="run on the local cloud, and compare a recording")
    words = "run on the local cloud: a new one, or the one at URL"
    command.add_argument("--local-cloud", nargs="?", const="new", default="", metavar="URL", help=words)
    command.add_argument("--clean-up", action="store_true", help="delete what an earlier run left")
    command.add_argument("--state", type=Path, default=ROOT / ".live", metavar="DIR", help="Pulumi's state until then")
    command.add_argument("--yes", action="store_true", help="do not ask")
    return command


def main(arguments: "list[str] | None" = None) -> int:
    """Run the command, and return its exit status."""
    command = parser()
    given = command.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _cloud(given) as endpoint:
            return _clean_up(given, endpoint) if given.clean_up else _check(given, endpoint)
    except (Refused, DeploymentError, SettingsInvalid, SavedError, compare.RecordingError) as error:
        sys.stderr.write(f"live check: {error}\n")
        return WRONG
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"live check: AWS does not answer: {error} Check AWS_PROFILE and AWS_REGION.\n")
        return WRONG
    except KeyboardInterrupt:
        sys.stderr.write("live check: stopped. `make live CLEAN=1` deletes what is left.\n")
        return INTERRUPTED


def _interrupt(_signal: int, _frame: "FrameType | None") -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _cloud(given: argparse.Namespace) -> "Generator[str]":
    """The local cloud's endpoint, with this process's own environment leading there; empty for AWS."""
    where = given.local_cloud or ("new" if given.compare else "")
    if not where:
        yield ""
    elif where == "new":
        with LocalCloud.start() as cloud:
            yield _enter(cloud.endpoint, given.state)
    else:
        yield _enter(where, given.state)


def _enter(endpoint: str, state: Path) -> str:
    """Let every client and engine of this process reach the local cloud and nothing else."""
    home = (state / "home").resolve()
    reached = isolated(os.environ, {**environment(endpoint, _LOCAL_REGION), **ENGINE, "PULUMI_HOME": str(home)})
    os.environ.clear()
    os.environ.update(reached)
    return endpoint


def _options(given: argparse.Namespace, endpoint: str, saved: Saved) -> Options:
    pulumi = find_pulumi()
    if pulumi is None:
        raise Refused("There is no usable Pulumi CLI. Run `make pulumi`, or install Pulumi.")
    resolver = _resolver(endpoint)
    plugin = write_plugin(given.state.resolve() / "plugin") if endpoint else None
    return Options(
        domain=saved.domain,
        zone=saved.zone,
        region=saved.region,
        stack=saved.stack,
        folder=given.state.resolve(),
        pulumi=pulumi,
        plugin=plugin,
        resolver=resolver,
        deploy_profile=saved.deploy_profile,
    )


def _resolver(endpoint: str) -> "Lookup":
    if endpoint:
        from tools.live.local_dns import lookup

        return lookup(boto3.Session(region_name=_LOCAL_REGION).client("route53"))
    from mailer.dnscheck.lookup import ask_owners

    return ask_owners()


def _site(options: Options) -> Site:
    stack = LiveStack(options.stack, settings(options), options)
    known = {options.domain: LOCAL_DOMAIN, options.zone: LOCAL_DOMAIN, options.stack: "live"}
    return Site(options, Recorder(Mask(known)), stack)


def _check(given: argparse.Namespace, endpoint: str) -> int:
    aws = compare.read(given.compare) if given.compare else None
    saved = _new(given, endpoint)
    options = _options(given, endpoint, saved)
    if not endpoint and not (given.yes or _agreed(options)):
        progress("Nothing was created.")
        return FAILED
    if endpoint:
        _zone(options)
    site = _site(options)
    saved.write(given.state)
    try:
        done = run(site, STEPS, progress)
    except Refused:
        _forget(given.state, saved.stack)
        raise
    differences = list(compare.differences(aws, compare.heard(site.recorder))) if aws else []
    report.write(given.report, done, options, differences)
    if given.record:
        site.recorder.write(given.record)
        progress(f"The recording is in {given.record}.")
    return _ended(given, saved.stack, done, differences)


def _ended(given: argparse.Namespace, stack: str, done: Run, differences: list[str]) -> int:
    for line in differences:
        progress(f"differs: {line}")
    progress(f"{report.counted([report.settled(one, done) for one in report.CLAIMS])}")
    progress(f"The report is in {given.report}.")
    if done.kept:
        progress(f"Left behind: {' '.join(done.kept)} Run `make live CLEAN=1`.")
        return FAILED
    _forget(given.state, stack)
    if done.interrupted:
        return INTERRUPTED
    refused = any(found.outcome is Outcome.REFUTED for found in done.findings.values())
    return FAILED if refused or differences else 0


def _new(given: argparse.Namespace, endpoint: str) -> Saved:
    """What this run is about.

    Raises:
        Refused: There is no domain, no region, or an earlier run left a stack.
    """
    if Saved.exists(given.state):
        raise Refused(f"An earlier run left a stack, whose state is in {given.state}. First: make live CLEAN=1")
    if not (given.domain or endpoint):
        raise Refused("No domain is named. Such as: make live DOMAIN=live.example.com ZONE=example.com")
    # Every other SDK reads AWS_REGION; boto3 reads AWS_DEFAULT_REGION and the profile.
    known = os.environ.get("AWS_REGION") or boto3.Session().region_name or ""
    region = given.region or (_LOCAL_REGION if endpoint else known)
    if not region:
        raise Refused("No region is named. Set AWS_REGION, or give --region.")
    try:
        domain, zone = (ascii_domain(one) if one else "" for one in (given.domain or LOCAL_DOMAIN, given.zone))
    except ValueError as error:
        raise Refused(f"The domain {given.domain} cannot be used: {error}") from error
    stack = f"live-{os.urandom(3).hex()}"
    return Saved(domain, zone, region, stack, given.deploy_profile, endpoint)


def _agreed(options: Options) -> bool:
    identity = boto3.Session(region_name=options.region).client("sts").get_caller_identity()
    settled = {key: value for key, value in settings(options).items() if re.match("mailstack:", key)}
    dollars = estimate(record_resources(read_settings(options.stack, _texts(settled)), options.stack))
    progress(
        f"A stack {options.stack} for {options.domain} is deployed to account {identity['Account']}, region "
        f"{options.region}, and deleted again. It costs about {dollars:.2f} USD at most, and takes an hour at most."
    )
    return input("Type live to begin: ").strip() == "live"


def _texts(given: "dict[str, object]") -> dict[str, str]:
    """Settings as the engine passes them to a program."""
    import json

    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}


def _zone(options: Options) -> None:
    """Create the zone of the domain in the local cloud, where nobody has one."""
    route53 = boto3.Session(region_name=options.region).client("route53")
    name = options.zone or options.domain
    if not any(zone["Name"] == f"{name}." for zone in route53.list_hosted_zones()["HostedZones"]):
        route53.create_hosted_zone(Name=name, CallerReference=options.stack)


def _clean_up(given: argparse.Namespace, endpoint: str) -> int:
    """Delete what an earlier run left."""
    if not Saved.exists(given.state):
        progress("No run has left anything.")
        return 0
    saved = Saved.read(given.state)
    if saved.endpoint and not endpoint:
        endpoint = _enter(saved.endpoint, given.state)
    site = _site(_options(given, endpoint, saved))
    done = Run()
    for name in (f"{saved.stack}-adopt",):
        if (given.state / name).exists():
            second = LiveStack(name, settings(site.options, **{"mailstack:adopt": True}), site.options)
            second.unlock()
            second.destroy()
    clean_up(site, done, STEPS[-1], progress)
    if done.kept:
        progress(f"Left behind: {' '.join(done.kept)}")
        return FAILED
    _forget(given.state, saved.stack)
    return 0


def _forget(state: Path, stack: str) -> None:
    """Delete what the run wrote into the state folder, and the folder if nothing else is in it."""
    for name in ("state", "home", "plugin", stack, f"{stack}-adopt"):
        shutil.rmtree(state / name, ignore_errors=True)
    (state / FILE).unlink(missing_ok=True)
    with suppress(OSError):
        state.rmdir()


if __name__ == "__main__":
    sys.exit(main())
