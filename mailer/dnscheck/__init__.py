"""Internal: whether the DNS records of a stack are published and correct. Needs dnspython (the extra `dns`)."""
