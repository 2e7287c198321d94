"""Sends under faults of every kind, held against what the server accepted. `python -m tests.fault_schedule --help`."""
