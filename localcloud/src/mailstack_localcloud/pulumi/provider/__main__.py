"""`python -m mailstack_localcloud.pulumi.provider`: what a `pulumi-resource-aws` for the local cloud runs.

Arguments (the engine's address, `--logflow` and the like) are taken and not needed.
"""

from mailstack_localcloud.pulumi.provider.server import serve

if __name__ == "__main__":
    serve()
