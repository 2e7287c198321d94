"""The report of a live check: one line for every claim, as Markdown and JSON."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tools.live.claims import CLAIMS, Claim
from tools.live.finding import Finding, Outcome, unsettled
from tools.live.steps import STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.live.run import Run
    from tools.live.site import Options

MARKDOWN, JSON = "live-check.md", "live-check.json"


def settled(claim: Claim, run: "Run") -> Finding:
    """What the run says of a claim."""
    return run.findings[claim.step] if claim.step else unsettled(f"By hand: {claim.by_hand}")


def write(folder: Path, run: "Run", options: "Options", differences: "Sequence[str]" = ()) -> None:
    """Write both files into a folder.

    Args:
        folder: Is created if it does not exist.
        run: What came of the steps.
        options: What the caller asked for. Domain and account are not in the report.
        differences: Of a recording and the local cloud.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKDOWN).write_text(markdown(run, options, differences), encoding="utf-8")
    content = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "region": options.region,
        "cloud": _cloud(options),
        "interrupted": run.interrupted,
        "claims": [
            {"key": one.key, "page": one.page, "claim": one.text, "step": one.step, **_members(settled(one, run))}
            for one in CLAIMS
        ],
        "steps": [{"step": one.name, "means": one.means, **_members(run.findings[one.name])} for one in STEPS],
        "kept": run.kept,
        "differences": list(differences),
    }
    (folder / JSON).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def markdown(run: "Run", options: "Options", differences: "Sequence[str]" = ()) -> str:
    """The report for people."""
    claims = [(one, settled(one, run)) for one in CLAIMS]
    lines = [
        "# Live check",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {_cloud(options)}, {options.region}. {counted([found for _, found in claims])}",
        *(["", "The run was interrupted."] if run.interrupted else []),
        "",
        "| claim | outcome | what was seen | page |",
        "| --- | --- | --- | --- |",
        *(f"| {_cell(one.text)} | {found.outcome} | {_cell(found.words)} | {one.page} |" for one, found in claims),
        "",
        "## Steps",
        "",
        "| step | outcome | what was seen |",
        "| --- | --- | --- |",
        *(f"| {_cell(one.means)} | {_row(run.findings[one.name])} |" for one in STEPS),
        *(["", "## Left behind", "", *(f"- {_cell(one)}" for one in run.kept)] if run.kept else []),
        *(["", "## Local cloud", "", *(f"- {_cell(one)}" for one in differences)] if differences else []),
    ]
    return "\n".join(lines) + "\n"


def counted(findings: "Sequence[Finding]") -> str:
    """How many there are of each outcome, in a sentence."""
    counts = [(sum(one.outcome is outcome for one in findings), outcome) for outcome in Outcome]
    return f"{len(findings)} claims: {', '.join(f'{count} {outcome}' for count, outcome in counts)}."


def _cloud(options: "Options") -> str:
    return "local cloud" if options.plugin else "AWS"


def _members(finding: Finding) -> dict[str, str]:
    return {"outcome": finding.outcome, "seen": finding.words}


def _row(finding: Finding) -> str:
    return f"{finding.outcome} | {_cell(finding.words)}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
