"""A table like the one that a stack makes, in the local cloud, for tests that need nothing else of a stack."""

import uuid

from mypy_boto3_dynamodb import DynamoDBClient

from mailer.table import PARTITION_KEY, SORT_KEY


def new_table(dynamodb: DynamoDBClient) -> str:
    name = f"mailstack-test-{uuid.uuid4().hex[:12]}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": PARTITION_KEY, "AttributeType": "S"},
            {"AttributeName": SORT_KEY, "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": PARTITION_KEY, "KeyType": "HASH"},
            {"AttributeName": SORT_KEY, "KeyType": "RANGE"},
        ],
    )
    return name
