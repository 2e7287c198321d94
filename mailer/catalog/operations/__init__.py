"""Internal: templates for the people who run the mail of an application."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from mailer.catalog.base import Ready, Title
from mailer.templates.fields import Fields
from mailer.templates.url import Url

Count = Annotated[int, Field(ge=0)]
# Amazon SES reviews an account above these rates: "Reputation metrics messages", Developer Guide.
_BOUNCE_RATE, _COMPLAINT_RATE = 0.05, 0.001


class Counts(Fields):
    """What became of mails."""

    sent: Count
    delivered: Count = 0
    bounced: Count = 0
    complained: Count = 0

    @property
    def bounce_rate(self) -> float:
        """Bounces per mail sent."""
        return self.bounced / self.sent if self.sent else 0

    @property
    def complaint_rate(self) -> float:
        """Complaints per mail sent."""
        return self.complained / self.sent if self.sent else 0

    @property
    def is_high(self) -> bool:
        """Whether a rate is so high that Amazon SES reviews an account."""
        return self.bounce_rate >= _BOUNCE_RATE or self.complaint_rate >= _COMPLAINT_RATE


class StreamCounts(Counts):
    """What became of a stream's mails."""

    name: Title


class DomainBounces(Fields):
    """How many mails to a domain bounced."""

    domain: Title
    bounced: Count


class BounceDigest(Ready):
    """Bounces and complaints of some days, and whether the rates are too high."""

    subject: ClassVar[str] = (
        "{% if totals.is_high %}"
        "{% trans rate=totals.bounce_rate|percent %}Bounce rate too high: {{ rate }}{% endtrans %}"
        "{% else %}{% trans rate=totals.bounce_rate|percent %}Bounce rate: {{ rate }}{% endtrans %}{% endif %}"
    )
    preheader: ClassVar[str] = "{% trans first=since|date, last=until|date %}{{ first }} to {{ last }}{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "since": "2026-03-02",
        "until": "2026-03-08",
        "totals": {"sent": 12000, "delivered": 11840, "bounced": 151, "complained": 3},
        "domains": [{"domain": "example.org", "bounced": 96}, {"domain": "example.net", "bounced": 12}],
        "report_url": "https://app.example.com/mail/bounces",
    }

    since: date
    until: date
    totals: Counts
    domains: tuple[DomainBounces, ...] = Field(default=(), max_length=20)
    report_url: Url


class SendingReport(Ready):
    """What was sent on a day, by stream."""

    subject: ClassVar[str] = (
        "{% trans count=totals.sent, day=day|date, number=totals.sent|number %}{{ day }}: one mail sent"
        "{% pluralize %}{{ day }}: {{ number }} mails sent{% endtrans %}"
    )
    preheader: ClassVar[str] = (
        "{% trans bounced=totals.bounce_rate|percent, complained=totals.complaint_rate|percent(2) %}"
        "Bounces {{ bounced }}, complaints {{ complained }}{% endtrans %}"
    )
    sample: ClassVar[Mapping[str, object]] = {
        "day": "2026-03-08",
        "totals": {"sent": 12000, "delivered": 11840, "bounced": 151, "complained": 3},
        "streams": [
            {"name": "transactional", "sent": 4200, "delivered": 4180, "bounced": 12, "complained": 0},
            {"name": "marketing", "sent": 7800, "delivered": 7660, "bounced": 139, "complained": 3},
        ],
        "report_url": "https://app.example.com/mail",
    }

    day: date
    totals: Counts
    streams: tuple[StreamCounts, ...] = Field(min_length=1, max_length=50)
    report_url: Url
