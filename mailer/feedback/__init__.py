"""Internal: what the Lambda functions of a stack do with bounces, complaints and alarms."""
