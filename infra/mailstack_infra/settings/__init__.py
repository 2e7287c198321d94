"""The settings of a stack: `model.py` has all of them."""
