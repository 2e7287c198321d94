"""A table like the one that a stack makes, in the local cloud, for tests that need nothing else of a stack."""

import uuid

from mypy_boto3_dynamodb import DynamoDBClient


def new_table(dynamodb: DynamoDBClient) -> str:
    name = f"mailstack-test-{uuid.uuid4().hex[:12]}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return name
