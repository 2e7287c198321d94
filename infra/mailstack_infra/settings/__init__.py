"""What a deployment may be told; see `model.py`."""
