"""Pulumi on one machine: a provider plugin for the local cloud, and two engines behind one interface (`stack.Stack`).

Not for deploying to AWS: that is the official provider's and the real CLI's alone.
"""

from importlib.util import find_spec

_NEEDED = ("grpc", "pulumi", "pulumi_aws", "yaml")

for _name in _NEEDED:
    if find_spec(_name) is None:
        raise ModuleNotFoundError(
            f"Deploying to the local cloud needs {_name}, which the extra `pulumi` installs: "
            'pip install "mailstack-localcloud[pulumi] @ $MAILSTACK_LOCALCLOUD" (see docs/guides/install.md)',
            name=_name,
        )
