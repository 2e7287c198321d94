"""Outputs of a stack that was never deployed, for tests."""

from mailer.stack import StackOutputs, Stream

STACK = "test"
DOMAIN = "example.test"
STREAMS = ("transactional", "marketing")
REGION, ACCOUNT_ID = "us-east-1", "000000000000"


def stack_outputs(stack: str = STACK, *, table: str | None = None, streams: tuple[str, ...] = STREAMS) -> StackOutputs:
    """What a stack would export that sends from example.test.

    Args:
        stack: Its name.
        table: The name of its table. Default: `mailstack-<stack>`.
        streams: The names of its streams, `transactional` among them.
    """
    prefix = f"mailstack-{stack}"
    table = prefix if table is None else table
    queue = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/{prefix}-feedback"
    return StackOutputs(
        stack=stack,
        region=REGION,
        account_id=ACCOUNT_ID,
        domain=DOMAIN,
        identity_arn=_arn("ses", f"identity/{DOMAIN}"),
        mail_from_domain=f"bounce.{DOMAIN}",
        sender=f"Example <no-reply@{DOMAIN}>",
        streams={name: _stream(f"{prefix}-{name}") for name in streams},
        table=table,
        table_arn=_arn("dynamodb", f"table/{table}"),
        events_topic_arn=_arn("sns", f"{prefix}-events"),
        paging_topic_arn=_arn("sns", f"{prefix}-paging"),
        feedback_queue_url=queue,
        feedback_dlq_url=f"{queue}-dlq",
        feedback_function=f"{prefix}-feedback",
        guard_function=f"{prefix}-guard",
        sender_policy_arn=f"arn:aws:iam::{ACCOUNT_ID}:policy/{prefix}-sender",
    )


def _stream(configuration_set: str) -> Stream:
    return Stream(
        configuration_set=configuration_set,
        configuration_set_arn=_arn("ses", f"configuration-set/{configuration_set}"),
    )


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"
