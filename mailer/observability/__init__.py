"""Internal: hooks that report to the field's own tools. The public names are in `mailer`."""
