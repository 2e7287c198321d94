"""Internal: `mailer templates import`: templates of other providers as classes with Jinja2 files. It sends nothing."""
