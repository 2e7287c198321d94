"""The settings of the SES identity and of the DNS records that it needs, as components take them.

Not for reading or checking them: `Settings` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mailstack_infra.settings.dns_access import DnsAccess
from mailstack_infra.settings.domain import Bimi, Dkim, Dmarc, MailFrom
from mailstack_infra.settings.stream import Tracking

Part = Literal["mailFrom", "feedback", "records"]


@dataclass(frozen=True, kw_only=True)
class IdentitySettings:
    """The identity that mail is sent from, and its authentication.

    Attributes:
        domain: The domain; empty for a single address.
        address: The single address; empty for a domain.
        zone: The DNS zone that holds the domain, by its name or id.
        adopt: Whether the identity belongs to another stack or tool.
        take_over: The parts of an adopted identity that this stack sets.
        feedback_forwarding: Whether SES also mails bounces and complaints to the sender.
        spf: Whether an SPF record is published at the domain itself.
        tracking: The tracking of each stream, by the stream's name.
        protect: Whether Pulumi refuses to delete the identity and the records that it needs.
    """

    domain: str
    address: str
    zone: str
    adopt: bool
    take_over: Sequence[Part]
    feedback_forwarding: bool
    mail_from: MailFrom
    dkim: Dkim
    dmarc: Dmarc
    bimi: Bimi
    spf: bool
    tracking: Mapping[str, Tracking]
    protect: bool

    @property
    def name(self) -> str:
        """The name of the SES identity."""
        return self.address or self.domain

    @property
    def mail_from_domain(self) -> str:
        """The domain of the envelope sender; empty for a single address, for which SES uses its own."""
        return f"{self.mail_from.subdomain}.{self.domain}" if self.domain else ""

    def owns(self, part: Part) -> bool:
        """Whether the stack sets a part of the identity."""
        return not self.adopt or part in self.take_over


@dataclass(frozen=True, kw_only=True)
class ZoneSettings:
    """Where the DNS records of an identity are published.

    Attributes:
        dns: Who publishes them; `none` if the stack does not.
        zone: The zone, by its name or id.
        access: How Route 53 is reached in another AWS account.
        overwrite: The records that exist already and are taken over.
        identity: The identity whose records they are.
    """

    dns: Literal["route53", "cloudflare", "none"]
    zone: str
    access: DnsAccess
    overwrite: Sequence[str]
    identity: IdentitySettings
