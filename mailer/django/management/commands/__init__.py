"""Internal: the commands of `manage.py`, one a file."""
