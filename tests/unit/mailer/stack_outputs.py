"""A stack's outputs, as tests of the library want them."""

from mailer.stack import StackOutputs
from mailer.testing.outputs import stack_outputs

SET = "mailstack-dev-transactional"


def outputs(table: str = "mailstack-dev") -> StackOutputs:
    return stack_outputs("dev", table=table, streams=("transactional", "news"))
