"""The domain that mail comes from: MAIL FROM, DKIM, DMARC, BIMI."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from mailstack_infra import checks, dkim_key
from mailstack_infra.settings.base import Allowed, Group, Hidden

DMARC_STEPS = ("none", "quarantine", "reject")  # from watching to refusing


class MailFrom(Group):
    """The envelope sender's domain, which makes SPF align with the From address."""

    subdomain: Annotated[
        str,
        AfterValidator(checks.label),
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
        AfterValidator(checks.label_or_nothing),
        Allowed("one label"),
        Field(description="Names your own key in DNS: `<selector>._domainkey.<domain>`. Only with `privateKey`."),
    ] = ""
    private_key: Annotated[
        str,
        Hidden(),
        Allowed("an RSA private key of 2048 bits, in PEM or base64, encrypted: pulumi config set --secret"),
        Field(repr=False, description="Your own key; SES's unless given. Encrypted, here and in the state."),
    ] = ""

    @field_validator("private_key")
    @classmethod
    def _it_is_a_key_with_a_name(cls, private_key: str, info: ValidationInfo) -> str:
        if bool(private_key) != bool(info.data.get("selector", private_key)):
            raise ValueError("selector and privateKey go together")
        if private_key:
            dkim_key.public_key(private_key)
        return private_key


class Dmarc(Group):
    """What receivers are asked to do with mail that fails SPF and DKIM (RFC 7489). Raise it in steps."""

    policy: Annotated[
        Literal["none", "quarantine", "reject"],
        Allowed("none, quarantine or reject"),
        Field(description="`none` watches only; go on when the reports show that all of your mail passes."),
    ] = "none"
    percent: Annotated[
        int,
        Allowed("a whole number from 1 to 100"),
        Field(ge=1, le=100, description="The share of failing mail that the policy applies to, in per cent."),
    ] = 100
    confirmed: Annotated[
        Literal["", "none", "quarantine", "reject"],
        Allowed("none, quarantine or reject: the strictest policy whose reports showed that all of your mail passes"),
        Field(description="The step that was taken before. `quarantine` needs `none` here, `reject` `quarantine`."),
    ] = ""
    reports: Annotated[
        tuple[Annotated[str, AfterValidator(checks.address)], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("addresses such as dmarc@example.com"),
        Field(description="Who gets the aggregate reports (`rua`). An outside mailbox's domain must agree in its DNS."),
    ] = ()
    failure_reports: Annotated[
        tuple[Annotated[str, AfterValidator(checks.address)], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("addresses such as dmarc@example.com"),
        Field(description="Who gets reports about single messages (`ruf`). Few receivers send them."),
    ] = ()

    @field_validator("confirmed")
    @classmethod
    def _no_step_is_left_out(cls, confirmed: str, info: ValidationInfo) -> str:
        """A slip of the pen cannot reject everybody's mail: each step names the one before it."""
        policy: str = info.data.get("policy", "none")
        needed = DMARC_STEPS[: DMARC_STEPS.index(policy)][-1:]
        if needed and confirmed not in DMARC_STEPS[DMARC_STEPS.index(needed[0]) :]:
            raise ValueError(
                f"policy {policy} comes after {needed[0]}: publish that first, read its reports, and confirm it here"
            )
        return confirmed


class Bimi(Group):
    """The logo that mailboxes show beside mail (BIMI). They do only where DMARC is enforced for all mail."""

    logo: Annotated[
        str,
        AfterValidator(checks.https_or_nothing),
        Allowed("an https URL of an SVG Tiny PS file"),
        Field(description="Publishes a BIMI record. None unless given."),
    ] = ""
    certificate: Annotated[
        str,
        AfterValidator(checks.https_or_nothing),
        Allowed("an https URL of a PEM file"),
        Field(description="The mark certificate (VMC or CMC), which Gmail and Apple Mail ask for."),
    ] = ""
