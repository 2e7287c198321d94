"""Internal: `mailer migrate`: what the mail settings of another system become here. Settings are read, never run."""
