"""Internal: the stores in the DynamoDB table of a stack, one module a concern."""
