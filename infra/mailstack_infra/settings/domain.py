"""The domain that mail comes from: MAIL FROM, DKIM, DMARC, BIMI."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from mailer.dmarc import POLICIES, stricter
from mailstack_infra.settings import dkim_key, validators
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.marks import Allowed, Gone, Hidden


class MailFrom(Group):
    """The envelope sender's domain, which makes SPF align with the From address."""

    subdomain: Annotated[
        str,
        AfterValidator(validators.label),
        Allowed("one label; nothing else may use that name"),
        Field(description="Stands before the domain: `bounce` gives `bounce.example.com`."),
    ] = "bounce"
    on_mx_failure: Annotated[
        Literal["USE_DEFAULT_VALUE", "REJECT_MESSAGE"],
        Allowed("USE_DEFAULT_VALUE or REJECT_MESSAGE"),
        Field(
            description="While SES does not see its MX record: send with amazonses.com as the envelope sender, or "
            "refuse the mail. A refusal begins with the first deployment and lasts until SES has seen the record; "
            "after 72 hours without it, until the verification is restarted. `mailer stack` shows the status."
        ),
    ] = "USE_DEFAULT_VALUE"


class Dkim(Group):
    """Easy DKIM: SES holds the key and rotates it. Or a key of your own (BYODKIM), which you rotate."""

    key_length: Annotated[Literal[1024, 2048], Allowed("1024 or 2048"), Field(description="Bits of SES's RSA key.")] = (
        2048
    )
    selector: Annotated[
        str,
        AfterValidator(validators.label_or_nothing),
        Allowed("one label"),
        Field(description="Names your own key in DNS: `<selector>._domainkey.<domain>`. Only with `privateKey`."),
    ] = ""
    private_key: Annotated[
        str,
        Hidden(),
        Allowed("an RSA private key of 2048 bits, in PEM or base64, encrypted: pulumi config set --secret"),
        Field(repr=False, description="Your own key; SES's key by default. Encrypted, here and in the state."),
    ] = ""

    previous: Annotated[
        dict[str, date],
        Allowed("selectors, each with the last day that its record stays: 2026-12-31"),
        Field(
            description="Keys of your own that signed before: their records stay published, for mail on its way, until "
            "the first deployment after that day."
        ),
    ] = Field(default={})

    @field_validator("previous")
    @classmethod
    def _they_signed_before(cls, previous: dict[str, date], info: ValidationInfo) -> dict[str, date]:
        for selector in previous:
            if validators.label(selector) == info.data.get("selector"):
                raise ValueError(f"{selector} is the selector that signs now")
        return previous

    @field_validator("private_key")
    @classmethod
    def _it_is_a_key_with_a_name(cls, private_key: str, info: ValidationInfo) -> str:
        if bool(private_key) != bool(info.data.get("selector", private_key)):
            raise ValueError("selector and privateKey go together")
        if private_key:
            dkim_key.public_key(private_key)
        return private_key


_Policy = Literal["", "none", "quarantine", "reject"]


class Dmarc(Group):
    """What receivers are asked to do with mail that fails SPF and DKIM (RFC 9989). Raise it in steps."""

    gone: ClassVar[Mapping[str, Gone]] = {
        "percent": Gone(
            "receivers ignore `pct` since RFC 9989, and apply the policy to all mail: stage it with `testing: true`"
        )
    }

    publish: Annotated[
        Switch,
        Field(description="Whether the stack publishes a record. Off: that of a domain above it holds, or nobody's."),
    ] = True
    policy: Annotated[
        Literal["none", "quarantine", "reject"],
        Allowed("none, quarantine or reject"),
        Field(description="`none` watches only; go on when the reports show that all of your mail passes (`p`)."),
    ] = "none"
    testing: Annotated[
        Switch,
        Field(
            description="Test mode (`t=y`): receivers that know RFC 9989 apply the step below the policy, and report. "
            "Older ones apply the policy."
        ),
    ] = False
    subdomain_policy: Annotated[
        _Policy,
        Allowed("none, quarantine or reject"),
        Field(description="For the domains below that have no record of their own (`sp`). The default is `policy`."),
    ] = ""
    nonexistent_policy: Annotated[
        _Policy,
        Allowed("none, quarantine or reject"),
        Field(description="For domains below that do not exist (`np`). The default is `subdomainPolicy`."),
    ] = ""
    confirmed: Annotated[
        _Policy,
        Allowed("none, quarantine or reject: the strictest policy whose reports showed that all of your mail passes"),
        Field(description="The step that was taken before. `quarantine` needs `none` here, `reject` `quarantine`."),
    ] = ""
    dkim_alignment: Annotated[
        Literal["relaxed", "strict"],
        Allowed("relaxed or strict"),
        Field(description="Strict: only DKIM signatures of the very domain in From count (`adkim`)."),
    ] = "relaxed"
    spf_alignment: Annotated[
        Literal["relaxed", "strict"],
        Allowed("relaxed or strict"),
        Field(description="Strict: SPF no longer counts for mail from SES, whose MAIL FROM is a subdomain (`aspf`)."),
    ] = "relaxed"
    psd: Annotated[
        Literal["u", "y", "n"],
        Allowed("u, y or n"),
        Field(
            description="`y` for a public suffix, `n` for an organization below one that does not say so. Hardly "
            "anybody needs it."
        ),
    ] = "u"
    replaces: Annotated[
        _Policy,
        Allowed("none, quarantine or reject: the policy that stands there"),
        Field(description="The stricter policy that may be lost where `overwriteRecords` takes over a DMARC record."),
    ] = ""
    reports: Annotated[
        tuple[Annotated[str, AfterValidator(validators.address)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("addresses such as dmarc@example.com"),
        Field(description="Who gets the aggregate reports (`rua`). An outside mailbox's domain must agree in its DNS."),
    ] = ()
    failure_reports: Annotated[
        tuple[Annotated[str, AfterValidator(validators.address)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("addresses such as dmarc@example.com"),
        Field(description="Who gets reports about single messages (`ruf`). Few receivers send them."),
    ] = ()

    @field_validator("confirmed")
    @classmethod
    def _no_step_is_left_out(cls, confirmed: str, info: ValidationInfo) -> str:
        """A slip of the pen cannot reject everybody's mail: each step names the one before it.

        Test mode is no way around it: receivers that do not know it apply the policy to all mail.
        """
        policy = max(info.data.get("policy", "none"), info.data.get("subdomain_policy") or "none", key=POLICIES.index)
        needed = POLICIES[: POLICIES.index(policy)][-1:]
        if needed and (not confirmed or stricter(needed[0], confirmed)):
            raise ValueError(
                f"policy {policy} comes after {needed[0]}: publish that first, read its reports, and confirm it here"
            )
        return confirmed

    @property
    def enforced(self) -> bool:
        """Whether mailboxes take the policy for one that holds for all mail of the domain and of those below it."""
        return self.policy != "none" and not self.testing and self.subdomain_policy != "none"


class Bimi(Group):
    """The logo that mailboxes show beside mail (BIMI). They do only where DMARC is enforced for all mail."""

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
        Field(description="The mark certificate (VMC or CMC), which Gmail and Apple Mail ask for."),
    ] = ""
