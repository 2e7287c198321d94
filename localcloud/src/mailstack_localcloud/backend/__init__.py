"""ministack, which serves every AWS service but SES here, and nothing else knows its inside: a file a service."""
