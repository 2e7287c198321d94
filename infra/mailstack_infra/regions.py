"""The regions that a stack can use: those with SES, as far as botocore knows. Checked before anything is created."""

import functools

import pulumi
from botocore.session import Session

from mailstack_infra.environment import Environment
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.problems import SettingsInvalid

# https://docs.aws.amazon.com/general/latest/gr/ses.html has the names for the other partitions with SES.
UNDOCUMENTED = frozenset({"aws-eusc"})
_NEWER = "If AWS has SES there by now, update boto3."


def check(env: Environment, *, second: str, warn: bool) -> None:
    """Check that SES is in the stack's region, and in the second one.

    Args:
        env: The stack's environment.
        second: The second region of a multi-region endpoint; empty for none.
        warn: Whether to warn about a partition for which AWS documents no DNS names.

    Raises:
        SettingsInvalid: It is not, or the second region is the same or in another partition.
    """
    known = _regions(env.partition)
    if env.region not in known:
        raise SettingsInvalid(
            f"aws:region is {env.region}, and botocore knows of no SES there. {_remedy(env.partition, known)} {_NEWER}"
        )
    if env.partition in UNDOCUMENTED and warn:
        pulumi.log.warn(
            f"AWS documents no names of SES's DKIM keys, MX and SPF for {env.partition}; the records use those of "
            "other regions. Compare them with the identity's page in the SES console before you rely on them."
        )
    if second and (second == env.region or second not in known):
        others = ", ".join(region for region in known if region != env.region)
        raise SettingsInvalid(
            f"{NAMESPACE}:secondaryRegion is {second}, and must be another region with SES in the partition "
            f"{env.partition}: pulumi config set {NAMESPACE}:secondaryRegion REGION, one of {others or 'none'}. "
            f"{_NEWER}"
        )


def check_configured(region: str) -> None:
    """Check the region of the configuration before AWS is asked anything: Pulumi would answer with a traceback.

    Args:
        region: The value of `aws:region`; empty if the region comes from somewhere else.

    Raises:
        SettingsInvalid: botocore knows of no SES there, in any partition.
    """
    partitions = Session().get_available_partitions()
    if region and not any(region in _regions(partition) for partition in partitions):
        raise SettingsInvalid(
            f"aws:region is {region}, and botocore knows of no SES there. {_remedy('aws', _regions('aws'))} {_NEWER}"
        )


def _remedy(partition: str, known: tuple[str, ...]) -> str:
    if not known:
        return f"The partition {partition} has no SES at all: deploy to an account of another partition."
    return f"Choose another: pulumi config set aws:region REGION, one of {', '.join(known)}."


@functools.cache  # botocore reads its list of endpoints for each session
def _regions(partition: str) -> tuple[str, ...]:
    """The regions of a partition that have SES."""
    return tuple(Session().get_available_regions("sesv2", partition_name=partition))
