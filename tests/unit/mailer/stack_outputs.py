"""A stack's outputs, as tests of the library want them."""

from mailer.stack import StackOutputs, Stream

SET = "mailstack-dev-transactional"


def outputs(table: str = "mailstack-dev") -> StackOutputs:
    arn = "arn:aws:{}:us-east-1:000000000000:{}".format
    return StackOutputs(
        stack="dev",
        region="us-east-1",
        account_id="000000000000",
        domain="example.test",
        identity_arn=arn("ses", "identity/example.test"),
        mail_from_domain="bounce.example.test",
        sender="Example <no-reply@example.test>",
        streams={
            "transactional": Stream(
                configuration_set=SET, configuration_set_arn=arn("ses", f"configuration-set/{SET}")
            ),
            "news": Stream(
                configuration_set="mailstack-dev-news", configuration_set_arn=arn("ses", "configuration-set/n")
            ),
        },
        table=table,
        table_arn=arn("dynamodb", f"table/{table}"),
        events_topic_arn=arn("sns", "mailstack-dev-events"),
        paging_topic_arn=arn("sns", "mailstack-dev-paging"),
        feedback_queue_url="https://sqs.us-east-1.amazonaws.com/000000000000/mailstack-dev-feedback",
        feedback_dlq_url="https://sqs.us-east-1.amazonaws.com/000000000000/mailstack-dev-feedback-dlq",
        feedback_function="mailstack-dev-feedback",
        guard_function="mailstack-dev-guard",
        sender_policy_arn="arn:aws:iam::000000000000:policy/mailstack-dev-sender",
    )
