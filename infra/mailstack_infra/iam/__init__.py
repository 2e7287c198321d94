"""IAM documents: policies and trust policies, as pure functions."""
