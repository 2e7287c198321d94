"""A small shop that moves from plain SMTP to Amazon SES, step by step, with the old server as the fallback."""
