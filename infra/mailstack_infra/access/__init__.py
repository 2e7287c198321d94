"""Access for applications: the sender policy, roles and the SMTP user."""
