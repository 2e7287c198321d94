"""The inbox page: every mail that the local cloud accepted, as readers and senders want to see it."""
