"""What the stack tells the library: one `StackOutputs`, exported and written to Systems Manager."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.stack import MAX_PARAMETER_CHARACTERS, StackOutputs, parameter_name
from mailstack_infra.environment import Environment


class Outputs(pulumi.ComponentResource):
    """The outputs and the parameter that holds them, written once all else is there.

    Args:
        fields: Every field of `StackOutputs` that the environment does not give.
        ready: What must be there before the library may find the stack: all else.
        protect: Whether to refuse to delete the parameter. It needs all else, so it is the first to be deleted, and
            `pulumi destroy` stops at it before anything is gone.

    Attributes:
        values: The outputs; unknown in a preview of what is not deployed yet.
        json: The same as text, as the parameter holds it.
        exports: What the program exports: each field, and `outputs`, which is all of them.
    """

    def __init__(
        self,
        env: Environment,
        fields: Mapping[str, pulumi.Input[Any]],
        *,
        ready: list[pulumi.Resource],
        protect: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:outputs:Outputs", "outputs", None, opts)
        here = {"stack": env.stack, "region": env.region, "account_id": env.account_id}
        self.values = pulumi.Output.all(**here, **fields).apply(StackOutputs.model_validate)
        self.json = self.values.apply(compact)
        aws.ssm.Parameter(
            "outputs",
            name=parameter_name(env.stack),
            type="String",
            description="What the library reads of this stack",
            # Nothing in it is secret, and so a preview shows what changes.
            insecure_value=self.json,
            tags=env.tags,
            opts=ResourceOptions(parent=self, depends_on=ready, protect=protect or None),
        )
        everything = self.values.apply(lambda values: values.model_dump(mode="json"))
        self.exports: dict[str, pulumi.Output[Any]] = {
            "outputs": everything,
            **{name: everything[name] for name in StackOutputs.model_fields},
        }
        self.register_outputs({})


def compact(values: StackOutputs) -> str:
    """The parameter's value.

    Raises:
        ValueError: It is longer than Systems Manager takes.
    """
    text = values.to_json()
    if len(text) > MAX_PARAMETER_CHARACTERS:
        raise ValueError(
            f"The outputs are {len(text)} characters long; a parameter holds {MAX_PARAMETER_CHARACTERS}. "
            "Shorten the stack's name, or have fewer streams."
        )
    return text
