"""Regions without SES are refused."""

from typing import Any

import pytest

from mailstack_infra import regions
from mailstack_infra.settings.loading import SettingsInvalid
from tests.unit.infra.program import run


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"region": "xx-north-1"}, "aws:region is xx-north-1, and botocore knows of no SES there"),
        ({"secondaryRegion": "us-gov-west-1"}, "secondaryRegion is us-gov-west-1, and must be another region with SES"),
        ({"secondaryRegion": "us-east-1"}, "secondaryRegion is us-east-1, and must be another region with SES"),
    ],
)
def test_a_region_without_ses_is_refused_beforehand(changed: dict[str, Any], words: str):
    with pytest.raises(SettingsInvalid, match=words):
        run("prod", **changed)


@pytest.mark.parametrize("region", ["nowhere-1", "us-esat-1", "mx-central-1", "us-iso-east-1 "])
def test_configured_region_is_checked_before_aws_is_asked(region: str):
    with pytest.raises(SettingsInvalid, match=r"botocore knows of no SES there.*pulumi config set aws:region"):
        regions.check_configured(region)


@pytest.mark.parametrize("region", ["", "eu-west-1", "us-gov-west-1", "eusc-de-east-1"])
def test_configured_region_of_any_partition_passes(region: str):
    regions.check_configured(region)
