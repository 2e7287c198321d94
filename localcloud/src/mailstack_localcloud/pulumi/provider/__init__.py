"""The provider plugin `aws` for the local cloud: the resource types that the stack uses, over boto3.

Not for AWS itself: it refuses any endpoint that is not on this machine.
"""
