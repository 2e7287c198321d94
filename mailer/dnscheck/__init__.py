"""Whether the DNS records that a stack needs are published, and right. Needs dnspython (the extra `dns`)."""
