"""Internal: what the Lambda functions share, and the stack that deploys them imports. Standard library and boto3 alone."""
