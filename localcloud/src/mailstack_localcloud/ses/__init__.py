"""Amazon SES v2 on this machine: protocol, rules and state each in a file of its own."""
