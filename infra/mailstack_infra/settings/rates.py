"""Settings of rates: at which bounce and complaint rates alarms page, and the guard pauses a stream."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed

# At these rates AWS may pause an account's sending; it reviews an account at half and at a fifth of them.
# https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html
BOUNCE_PAUSE, COMPLAINT_PAUSE = 0.10, 0.005
# The defaults are 80 % of AWS's limits, so that people are paged before AWS acts.
BOUNCE_WARNING, BOUNCE_CRITICAL = 0.04, 0.08
COMPLAINT_WARNING, COMPLAINT_CRITICAL = 0.0008, 0.004


class Rates(Group):
    """Two levels of a rate, as fractions: 0.05 is 5 %."""

    warning: float
    critical: float

    @field_validator("critical")
    @classmethod
    def _check_above_warning(cls, critical: float, info: ValidationInfo) -> float:
        warning = info.data.get("warning")
        if warning is not None and critical <= warning:
            raise ValueError(f"it must be above warning, which is {warning:g}")
        return critical


class BounceRates(Rates):
    """The rate of hard bounces that pages. AWS reviews an account at 0.05 and may pause it at 0.1."""

    warning: Annotated[
        float,
        Allowed(f"a fraction above 0 and below {BOUNCE_PAUSE}"),
        Field(gt=0, lt=BOUNCE_PAUSE, description="The rate that sends a warning."),
    ] = BOUNCE_WARNING
    critical: Annotated[
        float,
        Allowed(f"a fraction above the warning, at most {BOUNCE_PAUSE}, where AWS may pause the account"),
        Field(gt=0, le=BOUNCE_PAUSE, description="The rate that pages, and at which the guard pauses the stream."),
    ] = BOUNCE_CRITICAL


class ComplaintRates(Rates):
    """The rate of complaints that pages. AWS reviews an account at 0.001 and may pause it at 0.005."""

    warning: Annotated[
        float,
        Allowed(f"a fraction above 0 and below {COMPLAINT_PAUSE}"),
        Field(gt=0, lt=COMPLAINT_PAUSE, description="The rate that sends a warning."),
    ] = COMPLAINT_WARNING
    critical: Annotated[
        float,
        Allowed(f"a fraction above the warning, at most {COMPLAINT_PAUSE}, where AWS may pause the account"),
        Field(gt=0, le=COMPLAINT_PAUSE, description="The rate that pages, and at which the guard pauses the stream."),
    ] = COMPLAINT_CRITICAL
