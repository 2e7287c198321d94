"""ministack, which serves every AWS service but SES. Only this package uses its internals: one file a service."""
