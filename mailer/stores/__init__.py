"""Internal: where suppressions and processed events are kept. The public names are in `mailer`."""
