"""Internal: what the Lambda functions share, with each other and with the stack. Standard library and boto3 alone."""
