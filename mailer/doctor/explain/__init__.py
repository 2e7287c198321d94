"""Internal: `mailer explain`, the meaning of an error's text. It asks nobody."""
