"""URNs and physical names of representative stacks stay as they are.

Pulumi deletes a resource whose URN is gone and creates the one with the new URN; AWS replaces a resource whose name
changes. Either loses what a deployed stack has: suppressions, reputation, confirmed subscriptions.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.infra.options import ACCESS, ADDRESS, FULL, POOLS, USED
from tests.unit.infra.program import Registered, run

LISTS = Path(__file__).parent / "urns"
# Every option that adds resources, in as few stacks as can hold them.
STACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("prod", {}),
    "everything": (
        "prod",
        {
            "access": ACCESS,
            "bimi": {"logo": "https://example.com/logo.svg"},
            "dmarc": {"policy": "quarantine", "confirmed": "none", "reports": ["dmarc@example.org"]},
            "messageLog": {"days": 30},
            "ownsAccount": True,
            "account": {"vdm": True},
            "pools": POOLS,
            "secondaryRegion": "eu-west-1",
            "slack": {"workspace": "T07EA123LEP", "page": "C07EZ1ABC23", "warn": "C07EZ1ABC24"},
            "spf": True,
            "streams": FULL,
            "tenants": {"acme": {}},
            "warn": ["team@example.com"],
        },
    ),
    "address": ("dev", ADDRESS),
    "cloudflare": ("prod", {"dns": "cloudflare"}),
    "dns-role": ("dev", {"zone": "dev.example.com", "dnsAccess": {"role": "arn:aws:iam::111122223333:role/dns"}}),
}
NAMES = ("name", "configurationSetName", "alarmName", "poolName", "tenantName", "emailIdentity", "dashboardName")
COMMAND = ".venv/bin/python -m tests.unit.infra.test_urns"


def lines(which: str) -> list[str]:
    """Each resource's URN without the stack's part, and its physical name if the program sets one."""
    stack, changed = STACKS[which]
    resources = run(stack, **changed).resources
    by_urn = {resource.urn: resource for resource in resources}
    return sorted(f"{_types(each, by_urn)}::{each.name} {_name(each)}".rstrip() for each in resources)


def _types(resource: Registered, by_urn: Mapping[str, Registered]) -> str:
    """The types from the component down, as a URN has them."""
    above = by_urn.get(resource.parent)
    return f"{_types(above, by_urn)}${resource.token}" if above else resource.token


def _name(resource: Registered) -> str:
    return next((str(resource.inputs[key]) for key in NAMES if resource.inputs.get(key)), "")


@pytest.mark.parametrize("which", STACKS)
def test_urns_and_physical_names_stay_the_same(which: str):
    before = (LISTS / f"{which}.txt").read_text().splitlines()
    now = lines(which)
    gone, new = sorted(set(before) - set(now)), sorted(set(now) - set(before))
    assert not gone, f"a deployed stack would lose these; give the new ones aliases: {gone}, new: {new}"
    assert not new, f"list the new resources: {COMMAND}"
    assert before == now


def test_every_type_of_resource_is_in_a_list():
    listed = "".join((LISTS / f"{which}.txt").read_text() for which in STACKS)
    assert [token for token in USED if token not in listed] == []


if __name__ == "__main__":
    LISTS.mkdir(exist_ok=True)
    for each in STACKS:
        (LISTS / f"{each}.txt").write_text("\n".join(lines(each)) + "\n")
