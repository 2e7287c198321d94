"""Parliament, the public linter of IAM policies, behind one typed function; it has no types of its own."""

import json
import warnings
from functools import cache
from typing import Any, NamedTuple

with warnings.catch_warnings():
    # It leaves two of its own files open when it is imported, and imports the deprecated pkg_resources.
    warnings.simplefilter("ignore")
    import parliament  # pyright: ignore[reportMissingTypeStubs]


class Finding(NamedTuple):
    """What the linter finds wrong with a policy."""

    issue: str
    detail: str


@cache
def lint(document: str) -> tuple[Finding, ...]:
    """Everything that it finds in a policy, its community's checks included."""
    analyzed: Any = parliament.analyze_policy_string(document, include_community_auditors=True)
    return tuple(Finding(found.issue, str(found.detail)) for found in analyzed.findings)


def lint_trust(document: str) -> tuple[Finding, ...]:
    """The same of a trust policy, which the linter does not know: it has no resource, for it is about its own role."""
    statements: list[dict[str, Any]] = json.loads(document)["Statement"]
    return lint(json.dumps({"Version": "2012-10-17", "Statement": [{**each, "Resource": "*"} for each in statements]}))
