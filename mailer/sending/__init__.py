"""Internal: the steps of `Mailer.send`. The public names are in `mailer`."""
