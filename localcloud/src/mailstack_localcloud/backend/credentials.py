"""The account of the local cloud, and the credentials that clients need."""

# AWS's own documented example credentials; no service here checks them.
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - documented example
ACCOUNT_ID = "000000000000"


def environment(endpoint: str, region: str) -> dict[str, str]:
    """Environment variables for a client of the local cloud, which then reaches nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
