"""Runs the steps in order, and deletes everything afterwards: also after a failure, and after Ctrl+C."""

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from mailer.doctor.run import refusal
from mailer.errors import MailerError
from mailer.redaction import mask_all
from mailstack_localcloud.pulumi.stack import DeploymentError
from tools.live.finding import Finding, Outcome, refuted, unsettled
from tools.live.site import NotSeen, Refused
from tools.live.steps import STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.live.finding import Step
    from tools.live.site import Site

DESTROY = "destroy"


@dataclass
class Run:
    """What came of the steps, by their names.

    Attributes:
        interrupted: Whether the caller stopped it.
        kept: What the clean-up could not delete, and why.
    """

    findings: dict[str, Finding] = field(default_factory=dict[str, Finding])
    interrupted: bool = False
    kept: list[str] = field(default_factory=list[str])


def run(site: "Site", steps: "Sequence[Step]" = STEPS, say: "Callable[[str], object]" = print) -> Run:
    """Run every step, and clean up.

    Args:
        site: What the steps look at.
        steps: Which; `destroy` is the last.
        say: Is given a line for each step when it begins, and one when it ends.

    Raises:
        Refused: The run cannot begin; nothing was created.
        Exception: A bug of a step; everything is deleted.
    """
    done, bug = Run(), None
    try:
        for step in steps:
            if step.name != DESTROY:
                say(f"… {step.means}")
                done.findings[step.name] = _looked(site, step, done)
                say(f"  {done.findings[step.name].outcome}: {done.findings[step.name].words}")
    except KeyboardInterrupt:
        done.interrupted = True
        say("Interrupted. Everything that was created is being deleted; wait, or run `make live CLEAN=1` later.")
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - raised again when everything is deleted
        bug = error
    clean_up(site, done, next(step for step in steps if step.name == DESTROY), say)
    if bug:
        raise bug
    for step in steps:
        done.findings.setdefault(step.name, unsettled("It did not run."))
    return done


def clean_up(site: "Site", done: Run, last: "Step", say: "Callable[[str], object]") -> None:
    """Delete what steps created beside the stack, then the stack."""
    say("… Deleting everything.")
    for undo in (*reversed(site.at_end), *([site.hears.close] if site.hears else [])):
        try:
            undo()
        except (BotoCoreError, ClientError, DeploymentError) as error:
            done.kept.append(mask_all(str(error)))
    site.stack.unlock()
    finding = _finding(site, last)
    done.findings[last.name] = finding
    if finding.outcome is not Outcome.CONFIRMED:
        done.kept.append(finding.words)
    say(f"  {finding.outcome}: {finding.words}")


def _looked(site: "Site", step: "Step", done: Run) -> Finding:
    missing = [name for name in step.needs if done.findings[name].outcome is not Outcome.CONFIRMED]
    return unsettled(f"It needs {', '.join(missing)}.") if missing else _finding(site, step)


def _finding(site: "Site", step: "Step") -> Finding:
    """What a step says. What AWS refuses leaves it open; a bug of this check is a bug, and is raised."""
    try:
        return step.look(site)
    except ClientError as error:
        return unsettled(refusal(error))
    except (NotSeen, DeploymentError, MailerError) as error:
        return refuted(mask_all(str(error)))
    except BotoCoreError as error:
        return unsettled(mask_all(str(error)))


def progress(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
