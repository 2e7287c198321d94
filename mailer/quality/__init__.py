"""Internal: what `mailer templates score` looks at. Needs the extra `score`; Chromium and SpamAssassin see more."""
