"""Feedback under faults, by hand: `python -m tests.feedback_schedule --events 100000 --seed 1`. See `run.py`."""
