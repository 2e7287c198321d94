"""`make demo`: runs the loop and exits 0 only if every step was seen."""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from demo.drills import DRILLS
from demo.loop import Loop
from demo.screen import BOLD, DIM, RED, NotSeen, Screen
from mailer.stack import StackOutputs, parameter_name
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.isolation import isolated
from mailstack_localcloud.pulumi.cli import CliStack, find_pulumi
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from mailstack_localcloud.pulumi.stack import DeploymentError, Stack

PROJECT = Path(__file__).resolve().parents[1]
STACK, DOMAIN = "local", "example.test"

STEPS: tuple[tuple[str, Callable[[Loop], list[str]]], ...] = (
    ("SES verified the domain by the DNS records of the stack", Loop.identity_verified),
    ("Sent typed templates to the SES mailbox simulator", Loop.send),
    ("Mail in the inbox", Loop.inbox),
    ("Bounce and complaint reached the feedback Lambda through SNS and SQS", Loop.events),
    ("Suppression rows written", Loop.suppressions),
    ("Second send to each refused", Loop.refused),
    ("Bounce-rate alarm in ALARM", Loop.alarm),
    ("Page on the paging topic", Loop.paged),
    ("Sending guard paused the configuration set", Loop.guarded),
    ("Next send refused as paused", Loop.paused),
)


def main(argv: list[str] | None = None) -> int:
    """Run the demo.

    Returns:
        0 if every step was seen, else 1.
    """
    args = _arguments(argv)
    screen = Screen()
    with contextlib.ExitStack() as ends:
        try:
            loop = _provision(screen, args, ends)
            for title, see in STEPS:
                with screen.step(title) as details:
                    details.extend(see(loop))
        except NotSeen as problem:
            screen.say(f"\nNot seen: {problem}", RED)
            return 1
        screen.say(f"\nEvery step was seen in {screen.elapsed():.1f} s.", BOLD)
        if args.keep:
            _keep(screen, loop.cloud, loop.outputs)
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the local cloud up and say how to play with it")
    parser.add_argument("--port", type=int, default=0, help="port of the local cloud (default: a free one)")
    parser.add_argument(
        "--engine",
        choices=("auto", "cli", "inprocess"),
        default="auto",
        help="what deploys (default: the CLI if found)",
    )
    parser.add_argument(
        "--break",
        dest="breaking",
        choices=sorted(DRILLS),
        help="take one part out after the deployment, to see the demo fail at its step",
    )
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for each step (default: 60)")
    return parser.parse_args(argv)


def _provision(screen: Screen, args: argparse.Namespace, ends: contextlib.ExitStack) -> Loop:
    scratch = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="mailstack-demo-")))
    with screen.step("Local cloud up") as details:
        cloud = ends.enter_context(LocalCloud.start(port=args.port))
        environ = isolated(os.environ, cloud.environment())
        os.environ.clear()
        os.environ.update(environ)
        cloud.client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="demo")
        details.append(f"{cloud.endpoint}, a registered domain: {DOMAIN}")
    stack = _stack(screen, cloud, scratch, args.engine, ends)
    with screen.step(f"Deployed infra/ as stack {STACK!r} with {stack.engine}") as details:
        created, outputs = _deploy(stack)
        details.append(f"{created} resources")
    if args.breaking:
        DRILLS[args.breaking](cloud, outputs)
        screen.say(f"  {args.breaking} taken out, as asked: one of the next steps must fail", DIM)
    with screen.step("The library found the stack's outputs") as details:
        details.append(parameter_name(STACK))
        return Loop.over(cloud, outputs, patience=args.patience)


def _stack(screen: Screen, cloud: LocalCloud, scratch: Path, engine: str, ends: contextlib.ExitStack) -> Stack:
    environment = cloud.environment()
    pulumi = None if engine == "inprocess" else find_pulumi(PROJECT)
    if pulumi:
        state = scratch / "state"
        return ends.enter_context(
            CliStack(PROJECT, STACK, config={}, environment=environment, state=state, pulumi=pulumi)
        )
    if engine == "cli":
        raise NotSeen("no Pulumi CLI on PATH or under .tools/; `make pulumi` puts one there")
    screen.say(
        "  No Pulumi CLI on PATH or under .tools/: the in-process test engine deploys. `make pulumi` gets the CLI."
    )
    return InProcessStack(PROJECT, STACK, config={}, environment=environment, state=scratch / "state.json")


def _deploy(stack: Stack) -> tuple[int, StackOutputs]:
    try:
        changes = stack.up()
    except DeploymentError as error:
        raise NotSeen(f"the deployment failed: {error}") from error
    if not changes.create:
        raise NotSeen("the deployment created nothing")
    return changes.create, StackOutputs.model_validate(stack.outputs["outputs"])


def _keep(screen: Screen, cloud: LocalCloud, outputs: StackOutputs) -> None:
    exports = " ".join(f"{name}={value}" for name, value in sorted(cloud.environment().items()))
    # Nothing is indented: it is pasted into a shell and into Python's prompt.
    screen.say(f"""
The inbox:  {cloud.inbox_url}

Play with it from another terminal:

export {exports}
.venv/bin/python

and there, in Python:

import boto3, mailer
from mailer.catalog import Welcome
ses = boto3.client("sesv2")
paused = "{outputs.default_configuration_set}"  # by the guard
answer = ses.put_configuration_set_sending_options(ConfigurationSetName=paused, SendingEnabled=True)
mail = mailer.Mailer.from_stack("{outputs.stack}")
print(mail.send(Welcome(name="Ada", dashboard_url="https://example.test"), to="ada@example.com"))

Ctrl-C ends it.""")
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    signal.sigwait(ends)


if __name__ == "__main__":
    sys.exit(main())
