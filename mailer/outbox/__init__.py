"""Internal: the outbox of `Mailer.enqueue`, and the relay that sends its mails. The public names are in `mailer`."""
