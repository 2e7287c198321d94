"""Relays that are killed at random, held against what SES accepted. `python -m tests.outbox_schedule --help`."""
