"""Lambda functions with their queues, rules and packages."""
