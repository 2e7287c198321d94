"""Settings of the domain's authentication: MAIL FROM, DKIM, DMARC, BIMI."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from mailer.dmarc import POLICIES, stricter
from mailstack_infra.settings import dkim_key, validators
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.marks import Allowed, Gone, Hidden


class MailFrom(Group):
    """The domain of the envelope sender, which lets SPF align with the From address."""

    subdomain: Annotated[
        str,
        AfterValidator(validators.label),
        Allowed("one label; nothing else may use that name"),
        Field(description="The subdomain: `bounce` gives `bounce.example.com`."),
    ] = "bounce"
    on_mx_failure: Annotated[
        Literal["USE_DEFAULT_VALUE", "REJECT_MESSAGE"],
        Allowed("USE_DEFAULT_VALUE or REJECT_MESSAGE"),
        Field(
            description="While SES does not see the MX record: send with amazonses.com as the envelope sender, or "
            "refuse the mail. SES refuses from the first deployment until it sees the record; after 72 hours without "
            "it, until you restart the verification. `mailer status` shows it."
        ),
    ] = "USE_DEFAULT_VALUE"


class Dkim(Group):
    """Easy DKIM: SES has the key and rotates it. Or a key of your own (BYODKIM), which you rotate."""

    key_length: Annotated[Literal[1024, 2048], Allowed("1024 or 2048"), Field(description="Bits of SES's RSA key.")] = (
        2048
    )
    selector: Annotated[
        str,
        AfterValidator(validators.label_or_nothing),
        Allowed("one label"),
        Field(description="The name of your own key in DNS: `<selector>._domainkey.<domain>`. Only with `privateKey`."),
    ] = ""
    private_key: Annotated[
        str,
        Hidden(),
        Allowed("an RSA private key of 2048 bits, in PEM or base64, encrypted: pulumi config set --secret"),
        Field(repr=False, description="Your own key. The default is SES's key. Encrypted here and in the state."),
    ] = ""

    previous: Annotated[
        dict[str, date],
        Allowed("selectors, each with the last day of its record: 2026-12-31"),
        Field(
            description="Your earlier keys. Their records stay published, for mail in transit, until the first "
            "deployment after that day."
        ),
    ] = Field(default={})

    @field_validator("previous")
    @classmethod
    def _check_previous(cls, previous: dict[str, date], info: ValidationInfo) -> dict[str, date]:
        for selector in previous:
            if validators.label(selector) == info.data.get("selector"):
                raise ValueError(f"{selector} is the current selector")
        return previous

    @field_validator("private_key")
    @classmethod
    def _check_private_key(cls, private_key: str, info: ValidationInfo) -> str:
        if bool(private_key) != bool(info.data.get("selector", private_key)):
            raise ValueError("selector and privateKey must be set together")
        if private_key:
            dkim_key.public_key(private_key)
        return private_key


_Policy = Literal["", "none", "quarantine", "reject"]


class Dmarc(Group):
    """The policy for mail that fails SPF and DKIM (RFC 9989). Tighten it in steps."""

    gone: ClassVar[Mapping[str, Gone]] = {
        "percent": Gone(
            "receivers ignore `pct` since RFC 9989, and apply the policy to all mail: stage it with `testing: true`"
        )
    }

    publish: Annotated[
        Switch,
        Field(description="Whether the stack publishes a record. Without one, the record of a parent domain applies."),
    ] = True
    policy: Annotated[
        Literal["none", "quarantine", "reject"],
        Allowed("none, quarantine or reject"),
        Field(
            description="The policy (`p`). `none` only reports; tighten it when the reports show that your mail passes."
        ),
    ] = "none"
    testing: Annotated[
        Switch,
        Field(
            description="Test mode (`t=y`): receivers that support RFC 9989 apply the next weaker policy, and report. "
            "Older ones apply the policy."
        ),
    ] = False
    subdomain_policy: Annotated[
        _Policy,
        Allowed("none, quarantine or reject"),
        Field(description="The policy for subdomains without a record of their own (`sp`). The default is `policy`."),
    ] = ""
    nonexistent_policy: Annotated[
        _Policy,
        Allowed("none, quarantine or reject"),
        Field(description="The policy for subdomains that do not exist (`np`). The default is `subdomainPolicy`."),
    ] = ""
    confirmed: Annotated[
        _Policy,
        Allowed("none, quarantine or reject: the strictest policy whose reports showed that all of your mail passes"),
        Field(
            description="The last policy that you confirmed. `quarantine` requires `none` here, `reject` `quarantine`."
        ),
    ] = ""
    dkim_alignment: Annotated[
        Literal["relaxed", "strict"],
        Allowed("relaxed or strict"),
        Field(description="Strict: only DKIM signatures of exactly the From domain count (`adkim`)."),
    ] = "relaxed"
    spf_alignment: Annotated[
        Literal["relaxed", "strict"],
        Allowed("relaxed or strict"),
        Field(description="Strict: SPF no longer counts, because SES's MAIL FROM is a subdomain (`aspf`)."),
    ] = "relaxed"
    psd: Annotated[
        Literal["u", "y", "n"],
        Allowed("u, y or n"),
        Field(
            description="`y` for a public suffix, `n` for an organization below one without that tag. Rarely needed."
        ),
    ] = "u"
    replaces: Annotated[
        _Policy,
        Allowed("none, quarantine or reject: the policy of the existing record"),
        Field(description="The stricter policy that may be lost if `overwriteRecords` takes over a DMARC record."),
    ] = ""
    reports: Annotated[
        tuple[Annotated[str, AfterValidator(validators.address)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("addresses such as dmarc@example.com"),
        Field(
            description="Recipients of aggregate reports (`rua`). The domain of an external one must agree in its DNS."
        ),
    ] = ()
    failure_reports: Annotated[
        tuple[Annotated[str, AfterValidator(validators.address)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("addresses such as dmarc@example.com"),
        Field(description="Recipients of reports about single messages (`ruf`). Few receivers send them."),
    ] = ()

    @field_validator("confirmed")
    @classmethod
    def _check_confirmed(cls, confirmed: str, info: ValidationInfo) -> str:
        """Each step must name the one before it, so that a typing error cannot reject all mail.

        Test mode is no exception: receivers that do not support it apply the policy to all mail.
        """
        policy = max(info.data.get("policy", "none"), info.data.get("subdomain_policy") or "none", key=POLICIES.index)
        needed = POLICIES[: POLICIES.index(policy)][-1:]
        if needed and (not confirmed or stricter(needed[0], confirmed)):
            raise ValueError(
                f"policy {policy} comes after {needed[0]}: publish that first, read its reports, then confirm it here"
            )
        return confirmed

    @property
    def enforced(self) -> bool:
        """Whether the policy is enforced for all mail of the domain and its subdomains, as BIMI requires."""
        return self.policy != "none" and not self.testing and self.subdomain_policy != "none"


class Bimi(Group):
    """The logo that mailbox providers show with mail (BIMI), if DMARC is enforced for all mail."""

    logo: Annotated[
        str,
        AfterValidator(validators.https_or_nothing),
        Allowed("an https URL of an SVG Tiny PS file"),
        Field(description="Publishes a BIMI record. None by default."),
    ] = ""
    certificate: Annotated[
        str,
        AfterValidator(validators.https_or_nothing),
        Allowed("an https URL of a PEM file"),
        Field(description="The mark certificate (VMC or CMC), which Gmail and Apple Mail require."),
    ] = ""
