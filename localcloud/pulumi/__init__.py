"""Pulumi on one machine: a provider plugin for the local cloud, and two engines behind one interface (`stack.Stack`).

Not for deploying to AWS: that is the official provider's and the real CLI's alone.
"""
