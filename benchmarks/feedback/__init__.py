"""What the feedback function costs, beside a handler of powertools and pydantic. See `__main__.py`."""
