"""The picture of a stack's resources, and their costs: `make docs`.

Both come from running the component itself. Not for the words around them.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mailstack_infra.settings.model import Settings
from tools.docs import prices
from tools.docs.marked import with_block
from tools.docs.recording import Registered, record

ROOT_KIND = "MailStack"
SMALLEST = Settings(domain="example.com", page=("oncall@example.com",))


def mermaid(resources: Sequence[Registered]) -> str:
    """The components of a stack with what each has, and which needs which, as a Mermaid flowchart."""
    part_of = dict(_parts(resources))
    made = [resource for resource in resources if resource.custom]
    names = {resource.urn: _title(resource) for resource in resources}
    # The engine gets resources in no certain order.
    parts = sorted({part_of[resource.urn] for resource in made}, key=names.__getitem__)
    lines = ["flowchart LR"]
    for number, part in enumerate(parts):
        counted = Counter(resource.kind for resource in made if part_of[resource.urn] == part)
        has = "<br/>".join(f"{count} {kind}s" if count > 1 else kind for kind, count in sorted(counted.items()))
        lines.append(f'    p{number}["<b>{names[part]}</b><br/>{has}"]')
    needs: dict[str, set[str]] = {part: set() for part in parts}
    for resource in made:
        part = part_of[resource.urn]
        needs[part] |= {part_of[urn] for urn in resource.needs if part_of.get(urn, part) in needs} - {part}
    for part, needed in sorted(_shortest(needs), key=lambda need: tuple(map(parts.index, need))):
        lines.append(f"    p{parts.index(part)} --> p{parts.index(needed)}")
    return "\n".join(lines)


def _parts(resources: Sequence[Registered]) -> Iterator[tuple[str, str]]:
    """Which component right below the stack's own each resource belongs to."""
    parents = {resource.urn: resource.parent for resource in resources}
    (top,) = (resource.urn for resource in resources if resource.kind == ROOT_KIND)
    for urn in parents:
        part = urn
        while parents.get(part, top) != top and part != top:
            part = parents[part]
        if part != top:
            yield urn, part


def _title(resource: Registered) -> str:
    return resource.kind if resource.name in resource.kind.lower() else f"{resource.kind} {resource.name}"


def _shortest(needs: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Each need that does not follow from others: who needs B, which needs C, needs C anyway."""

    def reached(part: str) -> set[str]:
        return needs[part].union(*map(reached, needs[part]))

    for part, needed in needs.items():
        for other in sorted(needed):
            if not any(other in reached(third) for third in needed - {other}):
                yield part, other


def written(page: str) -> str:
    """The page with its picture and prices replaced, between their markers."""
    resources = record(SMALLEST)
    blocks = {"picture": f"```mermaid\n{mermaid(resources)}\n```", "prices": prices.table(resources)}
    for name, block in blocks.items():
        page = with_block(page, name, block)
    return page


def main(path: str) -> None:
    """Replace the picture and prices of a page."""
    page = Path(path)
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
