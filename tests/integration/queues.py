"""Queues that AWS's services may send to: without a policy that says so, SQS takes nothing from them."""

import json


def open_to(service: str, name: str) -> dict[str, str]:
    """The attributes of a queue that a service such as `sns` or `events` may send to."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:us-east-1:000000000000:{name}",
    }
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
