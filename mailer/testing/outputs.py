"""Outputs of a stack that was never deployed, for tests."""

from mailer.stack import StackOutputs, Stream

STACK = "test"
DOMAIN = "example.test"
STREAMS = ("transactional", "marketing")
REGION, ACCOUNT_ID = "us-east-1", "000000000000"


def stack_outputs() -> StackOutputs:
    """What a stack named `test` would export: the domain example.test and two streams."""
    queue = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/mailstack-test-feedback"
    return StackOutputs(
        stack=STACK,
        region=REGION,
        account_id=ACCOUNT_ID,
        domain=DOMAIN,
        identity_arn=_arn("ses", f"identity/{DOMAIN}"),
        mail_from_domain=f"bounce.{DOMAIN}",
        sender=f"Example <no-reply@{DOMAIN}>",
        streams={name: _stream(name) for name in STREAMS},
        table="mailstack-test",
        table_arn=_arn("dynamodb", "table/mailstack-test"),
        events_topic_arn=_arn("sns", "mailstack-test-events"),
        paging_topic_arn=_arn("sns", "mailstack-test-paging"),
        feedback_queue_url=queue,
        feedback_dlq_url=f"{queue}-dlq",
        feedback_function="mailstack-test-feedback",
        guard_function="mailstack-test-guard",
        sender_policy_arn=f"arn:aws:iam::{ACCOUNT_ID}:policy/mailstack-test-sender",
    )


def _stream(name: str) -> Stream:
    configuration_set = f"mailstack-test-{name}"
    return Stream(
        configuration_set=configuration_set,
        configuration_set_arn=_arn("ses", f"configuration-set/{configuration_set}"),
    )


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"
