"""Policy documents that `getPolicyDocument` puts together. No service is asked."""

import json
from typing import Any, cast

import pytest

from mailstack_localcloud.pulumi.provider import policy_document
from mailstack_localcloud.pulumi.provider.cloud import ProviderError


def composed(**args: Any) -> Any:
    made = policy_document.compose(cast("Any", None), args)  # it asks no cloud
    assert json.loads(made["minifiedJson"]) == json.loads(made["json"])
    return json.loads(made["json"])


def test_policy_document_equals_the_official_providers():
    statement = {
        "actions": ["ses:SendEmail", "ses:SendBulkEmail", "ses:SendEmail"],
        "resources": ["arn:aws:ses:*:*:identity/&{aws:username}"],
        "principals": [{"type": "AWS", "identifiers": ["1"]}, {"type": "AWS", "identifiers": ["2"]}],
        "conditions": [
            {"test": "StringLike", "variable": "ses:FromAddress", "values": ["b@example.com", "a@example.com"]},
            {"test": "Bool", "variable": "aws:SecureTransport", "values": ["true"]},
        ],
    }
    assert composed(statements=[statement]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["ses:SendEmail", "ses:SendBulkEmail"],
                "Resource": "arn:aws:ses:*:*:identity/${aws:username}",
                "Principal": {"AWS": ["2", "1"]},
                "Condition": {
                    "Bool": {"aws:SecureTransport": "true"},
                    "StringLike": {"ses:FromAddress": ["b@example.com", "a@example.com"]},
                },
            }
        ],
    }


def test_a_statement_takes_the_place_of_the_one_with_its_sid():
    source, override = (
        json.dumps({"Version": "2008-10-17", "Statement": {"Sid": "Send", "Effect": "Allow", "Action": action}})
        for action in ("a:Source", "a:Override")
    )
    own = {"sid": "Send", "actions": ["a:Own"]}
    (statement,) = composed(sourcePolicyDocuments=[source], statements=[own])["Statement"]
    assert statement["Action"] == "a:Own"
    document = composed(sourcePolicyDocuments=[source], statements=[own], overridePolicyDocuments=[override])
    assert (document["Version"], [each["Action"] for each in document["Statement"]]) == ("2012-10-17", ["a:Override"])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"statements": [{"sid": "A"}, {"sid": "A"}]}, "two statements have the Sid A"),
        ({"version": "2008-10-17", "statements": [{"resources": ["&{aws:username}"]}]}, "has a variable"),
        ({"sourcePolicyDocuments": ["{"]}, "a document is not JSON"),
        ({"version": "2020-01-01"}, "version must be one of"),
    ],
    ids=["twins", "variable", "no-json", "version"],
)
def test_invalid_policy_document_is_refused(args: dict[str, Any], said: str):
    with pytest.raises(ProviderError, match=said):
        composed(**args)
