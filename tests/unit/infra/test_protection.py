"""Protected resources, and the order of deletion."""

from typing import Any

import pytest

from tests.unit.infra.options import everywhere
from tests.unit.infra.program import run


@pytest.mark.parametrize(("stack", "protected"), [("prod", True), ("dev", False), ("local", False)])
def test_irreplaceable_resources_are_protected_in_production(stack: str, protected: bool):
    deployment = run(stack)
    dear = {
        "EmailIdentity",
        "EmailIdentityMailFromAttributes",
        "ConfigurationSet",
        "Key",
        "Table",
        "Parameter",
        "Record",
    }
    guarded = {resource.token.rpartition(":")[2] for resource in deployment.aws if resource.protect}
    assert guarded == (dear if protected else set())
    records = {record.name for record in deployment.of("Record") if record.protect}
    needed = {"dkim-0", "dkim-1", "dkim-2", "mail-from-mx", "mail-from-spf"}
    assert records == (needed if protected else set())
    assert deployment.one("Table", "store").inputs["deletionProtectionEnabled"] is protected


@everywhere
def test_the_protected_parameter_is_deleted_before_all_else(stack: str, changed: dict[str, Any]):
    """Pulumi deletes what nothing needs first, and stops at the first that is protected."""
    deployment = run(stack, **changed)
    needs = {resource.urn: resource.depends_on for resource in deployment.aws}
    reached, found = set[str](), {deployment.one("Parameter", "outputs").urn}
    while found:
        reached |= found
        found = {urn for each in found for urn in needs.get(each, ())} - reached
    assert {resource.urn for resource in deployment.aws} - reached == set()
