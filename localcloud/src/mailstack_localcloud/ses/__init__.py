"""Amazon SES v2 on this machine: protocol, rules and state in separate files."""
