"""Internal: the state of a stack in AWS, for `mailer status`. It reports; `mailer.doctor.checks` judge."""
