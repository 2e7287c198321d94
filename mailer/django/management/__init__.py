"""Internal: the commands of `manage.py`."""
