"""AWS on one machine, for demo and tests: an SES emulator in front of ministack, on one loopback port.

Example:
    >>> from mailstack_localcloud import LocalCloud
    >>> with LocalCloud.start() as cloud:  # doctest: +SKIP
    ...     cloud.client("sesv2").create_configuration_set(ConfigurationSetName="transactional")
"""

from mailstack_localcloud.local_cloud import LocalCloud, LocalCloudError

__all__ = ["LocalCloud", "LocalCloudError"]
