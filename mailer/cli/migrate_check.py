"""`mailer migrate --check`: the check-list of a move, ticked by looking."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.cli.doctor import lookup_of
from mailer.cli.output import as_json, line
from mailer.cli.stack import named_stack, outputs_of
from mailer.errors import ConfigurationError, MailerError
from mailer.migrate.checklist import Scene, State, ticked
from mailer.migrate.plan import plan_of
from mailer.migrate.sources import read_sources
from mailer.migrate.steps import CHECKS, STEPS

if TYPE_CHECKING:
    from argparse import Namespace

    from mailer.doctor.check import Result
    from mailer.doctor.site import Site
    from mailer.migrate.checklist import Ticked
    from mailer.stack import StackOutputs

NOT_DONE = 1
_BOXES = {State.DONE: "[x]", State.OPEN: "[ ]", State.UNKNOWN: "[?]", State.SKIPPED: "[-]"}
# Addresses that the store is asked for at once.
_BATCH = 500
# Seconds for the checks of `mailer doctor`.
TIME_LIMIT = 20.0


def check(given: "Namespace", default_stack: str) -> int:
    """Look at every step, print, and say whether all is done.

    Args:
        given: The options of `mailer migrate`.
        default_stack: The stack where none is named.
    """
    looked = ticked(STEPS, _scene(given, default_stack))
    if given.json:
        as_json({"steps": [_as_value(one) for one in looked], "done": not _left(looked)})
    else:
        for one in looked:
            _show(one)
        done = sum(look.state is State.DONE for _, look in looked)
        line(f"\n{done} of {len(looked)} steps are done, {_left(looked)} are left.")
    return NOT_DONE if _left(looked) else 0


def _left(looked: "list[Ticked]") -> int:
    return sum(look.state in {State.OPEN, State.UNKNOWN} for _, look in looked)


def _scene(given: "Namespace", default_stack: str) -> Scene:
    folder = Path.cwd()
    plan = plan_of(read_sources(given.files, folder, os.environ))
    sources = read_sources(given.files, folder, os.environ, with_block=True)
    outputs, reason = _outputs(given)
    results, sent = dict[str, "Result"](), None
    if outputs:
        from mailer.doctor.checks import CHECKS as ALL
        from mailer.doctor.run import examine
        from mailer.doctor.site import Site

        site = Site(outputs, lookup_of(given.resolver), os.environ)
        chosen = [one for one in ALL if one.name in CHECKS]
        results = {result.check.name: result for result in examine(site, chosen, TIME_LIMIT)}
        sent = _sent(site)
    return Scene(
        plan=plan,
        sources=sources,
        folder=folder,
        stack=outputs.stack if outputs else named_stack(given) or default_stack,
        outputs=outputs,
        no_outputs=reason,
        results=results,
        environ=os.environ,
        sent=sent,
        missing=_missing(given) if given.suppressions else None,
    )


def _outputs(given: "Namespace") -> "tuple[StackOutputs | None, str]":
    try:
        return outputs_of(given), ""
    except MailerError as error:
        return None, error.message


def _sent(site: "Site") -> float | None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return float(site.read("sesv2", "get_account")["SendQuota"]["SentLast24Hours"])
    except (BotoCoreError, ClientError, KeyError):
        return None


def _missing(given: "Namespace") -> tuple[int, int]:
    """How many addresses of the files are not suppressed for all mail, and of how many."""
    from mailer.cli.places import opened
    from mailer.stores.base import Suppression
    from mailer.stores.transfer.reading import Defaults, read

    missing = whole = 0
    with opened(given) as store:
        for name in given.suppressions:
            try:
                with Path(name).open(encoding="utf-8", newline="") as file:
                    rows = [row for row in read(file, name, None, Defaults()) if isinstance(row, Suppression)]
            except OSError as error:
                words = f"{name} cannot be read: {error.strerror}."
                raise ConfigurationError(words, hint="Name an export of the old list.") from error
            keys = sorted({row.address.lower() for row in rows})
            for start in range(0, len(keys), _BATCH):
                some = keys[start : start + _BATCH]
                missing += len(some) - len(store.suppressions.get_many(some))
            whole += len(keys)
    return missing, whole


def _show(one: "Ticked") -> None:
    step, look = one
    line(f"{_BOXES[look.state]} {step.name:<16} {step.means}")
    if look.found:
        line(f"      found  {look.found}")
    if look.state is not State.DONE and look.remedy:
        line(f"      next   {look.remedy}")
    if look.state is State.OPEN:
        line(f"      read   {step.page}")


def _as_value(one: "Ticked") -> dict[str, str]:
    step, look = one
    return {
        "step": step.name,
        "state": look.state,
        "means": step.means,
        "found": look.found,
        "next": look.remedy,
        "read": step.page,
    }
