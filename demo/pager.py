"""A queue subscribed to the paging topic, as an on-call engineer's pager would be. Remembers every page."""

import json
from dataclasses import dataclass, field

from mailstack_localcloud import LocalCloud


@dataclass
class Pager:
    """Pages in the order in which they arrived."""

    cloud: LocalCloud
    queue_url: str
    pages: list[str] = field(default_factory=list[str])

    @classmethod
    def on(cls, cloud: LocalCloud, topic_arn: str) -> "Pager":
        """Subscribe a new queue to the topic."""
        sqs, sns = cloud.client("sqs"), cloud.client("sns")
        url = sqs.create_queue(QueueName="demo-pager")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        return cls(cloud, url)

    def find(self, *marks: str) -> str | None:
        """The first page that holds every mark, in one line; None while there is none."""
        sqs = self.cloud.client("sqs")
        for message in sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", []):
            self.pages.append(message["Body"])
            sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return next((headline(page) for page in self.pages if all(mark in page for mark in marks)), None)


def headline(page: str) -> str:
    """An alarm's name and state, or the first line of a text."""
    try:
        alarm = json.loads(page)
    except ValueError:
        return page.strip().splitlines()[0]
    return f"{alarm['AlarmName']} is {alarm['NewStateValue']}"
