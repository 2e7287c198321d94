"""Environment for a program that must talk to the local cloud and to nothing else."""

from collections.abc import Mapping

# Another endpoint, profile or region for AWS's SDKs; Pulumi's own settings; another stack's outputs.
_PREFIXES = ("AWS_", "PULUMI_", "MAILSTACK_")


def isolated(environ: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The environment without variables that lead elsewhere, plus the given ones.

    AWS's shared configuration files are ignored, too: they may name endpoints and profiles.

    Example:
        >>> isolated({"PATH": "/bin", "AWS_PROFILE": "prod", "https_proxy": "x"}, {"AWS_REGION": "us-east-1"})["PATH"]
        '/bin'
    """
    kept = {name: value for name, value in environ.items() if not _leads_elsewhere(name)}
    nothing = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    return {**kept, **nothing, "NO_PROXY": "127.0.0.1,localhost", **given}


def _leads_elsewhere(name: str) -> bool:
    return name.startswith(_PREFIXES) or name.lower().endswith("_proxy")
