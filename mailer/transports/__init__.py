"""Internal: how a message reaches a service. The public names are in `mailer`."""
