"""Internal: the gallery of templates on this machine, `mailer preview`."""
