"""Internal: templates, brands and how they are rendered. The public names are in `mailer`."""
