"""Which regions a stack can be in: those where SES is, as far as botocore knows. Looked at before anything is made."""

import functools

import pulumi
from botocore.session import Session

from mailstack_infra.environment import Environment
from mailstack_infra.settings.loading import SettingsInvalid
from mailstack_infra.settings.marks import NAMESPACE
from mailstack_infra.settings.model import Settings

# https://docs.aws.amazon.com/general/latest/gr/ses.html has the names for the other partitions with SES.
UNDOCUMENTED = frozenset({"aws-eusc"})


def check(env: Environment, settings: Settings) -> None:
    """See that SES is in the stack's region, and in the second one.

    Raises:
        SettingsInvalid: It is not, or the second region is no other of the same partition.
    """
    known = _regions(env.partition)
    newer = "If AWS has SES there by now, update boto3."
    if env.region not in known:
        raise SettingsInvalid(
            f"aws:region is {env.region}, and botocore knows of no SES there. Choose another: pulumi config set "
            f"aws:region REGION, one of {', '.join(known) or 'none in this partition'}. {newer}"
        )
    if env.partition in UNDOCUMENTED and settings.domain:
        pulumi.log.warn(
            f"AWS documents no names of SES's DKIM keys, MX and SPF for {env.partition}; the records have those of "
            "other regions. Compare them with what the SES console shows for the identity before you rely on them."
        )
    second = settings.secondary_region
    if second and (second == env.region or second not in known):
        others = ", ".join(region for region in known if region != env.region)
        raise SettingsInvalid(
            f"{NAMESPACE}:secondaryRegion is {second}, and must be another region with SES in the partition "
            f"{env.partition}: pulumi config set {NAMESPACE}:secondaryRegion REGION, one of {others or 'none'}. {newer}"
        )


@functools.cache  # botocore reads its list of endpoints anew for each session
def _regions(partition: str) -> tuple[str, ...]:
    """The regions of a partition that have SES."""
    return tuple(Session().get_available_regions("sesv2", partition_name=partition))
