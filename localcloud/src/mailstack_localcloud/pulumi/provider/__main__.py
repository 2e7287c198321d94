"""`python -m mailstack_localcloud.pulumi.provider`: the program of `pulumi-resource-aws` for the local cloud.

Arguments (the engine's address, `--logflow` and the like) are accepted and ignored.
"""

from mailstack_localcloud.pulumi.provider.server import serve

if __name__ == "__main__":
    serve()
