"""Internal: `mailer doctor`, one look at everything that mail depends on. Each check names one fault and its remedy."""
