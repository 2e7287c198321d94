"""Shared by the tables of AWS IAM: the form of its names, its documents, and how it tags."""

import json
from typing import Any

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Tagging, form
from mailstack_localcloud.pulumi.provider.resources._names import mapping, pairs
from mailstack_localcloud.pulumi.wire import Props

NAME = form(r"[\w+=,.@-]{1,128}", "has letters, digits and _+=,.@-, at most 128")


def text(document: Any) -> str:
    """A policy document, which boto3 has read already."""
    return document if isinstance(document, str) else json.dumps(document)


def tagging(of: str, member: str) -> Tagging:
    """The tags of a kind of thing, such as `role`, that IAM's calls name by a member, such as `RoleName`."""

    def call(cloud: Cloud, operation: str, state: Props, **more: Any) -> Any:
        return getattr(cloud.iam, operation)(**{member: state["id"]}, **more)

    return Tagging(
        read=lambda cloud, state: mapping(call(cloud, f"list_{of}_tags", state)["Tags"]),
        add=lambda cloud, state, tags: call(cloud, f"tag_{of}", state, Tags=pairs(tags)),
        remove=lambda cloud, state, keys: call(cloud, f"untag_{of}", state, TagKeys=keys),
    )
