"""The SES identity: a domain, a single address, or an adopted one."""

import json

import pulumi
import pytest

from mailstack_infra.sending.identity import _token
from mailstack_infra.settings.model import Settings
from tests.unit.infra.options import ADDRESS, TRACKS
from tests.unit.infra.program import ACCOUNT, Sent, run
from tests.unit.infra.rsa import private


def test_a_domain_identity_has_easy_dkim_and_a_mail_from_domain():
    deployment = run("prod")
    identity = deployment.one("EmailIdentity", "domain").inputs
    assert identity["emailIdentity"] == "example.com"
    assert identity["dkimSigningAttributes"] == {"nextSigningKeyLength": "RSA_2048_BIT"}
    assert identity["configurationSetName"] == "mailstack-prod-transactional"
    mail_from = deployment.one("EmailIdentityMailFromAttributes", "mail-from").inputs
    assert (mail_from["mailFromDomain"], mail_from["behaviorOnMxFailure"]) == (
        "bounce.example.com",
        "USE_DEFAULT_VALUE",
    )


@pytest.mark.parametrize("preview", [True, False])
def test_own_dkim_key_is_secret_and_its_public_key_published(preview: bool):
    dkim = {"selector": "own", "privateKey": private(pem=True)}
    deployment = run("prod", preview=preview, secret=("dkim",), dkim=dkim)
    identity = deployment.one("EmailIdentity", "domain")
    assert identity.secret == {"dkimSigningAttributes"}
    secret = private()
    assert identity.inputs["dkimSigningAttributes"] == {
        "domainSigningSelector": "own",
        "domainSigningPrivateKey": secret,
    }
    (record,) = [r.inputs for r in deployment.of("Record") if "_domainkey" in r.inputs["name"]]
    assert (record["name"], record["type"]) == ("own._domainkey.example.com", "TXT")
    value = record["records"][0].replace('""', "")
    assert value.startswith("v=DKIM1; k=rsa; p=MII")
    assert secret not in json.dumps(deployment.exports, default=str)


@pytest.mark.parametrize("adopt", [True, False])
@pytest.mark.parametrize("preview", [True, False])
def test_a_single_address_has_an_identity_and_no_dns(preview: bool, adopt: bool):
    deployment = run("dev", preview=preview, adopt=adopt, **ADDRESS)
    assert [r.inputs["emailIdentity"] for r in deployment.of("EmailIdentity")] == ["ada@example.com"] * (not adopt)
    assert all("dkimSigningAttributes" not in r.inputs for r in deployment.of("EmailIdentity"))
    assert deployment.read == ([("aws:sesv2/emailIdentity:EmailIdentity", "ada@example.com")] if adopt else [])
    assert deployment.of("EmailIdentityMailFromAttributes") == deployment.of("Record") == []
    assert len(deployment.of("EmailIdentityFeedbackAttributes")) == (not adopt)
    assert "ada@example.com can send after you follow the link in the mail that SES sent to it." in deployment.said


def test_a_single_address_is_what_the_outputs_name():
    values = run("dev", **ADDRESS).values
    assert values.identity_arn == f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/ada@example.com"
    assert (values.identity, values.domain) == ("ada@example.com", "example.com")
    assert (values.mail_from_domain, values.dns_records) == ("", ())
    assert values.sender == "Ada Lovelace <ada@example.com>"


@pytest.mark.parametrize("forwarded", [True, False])
def test_feedback_is_mailed_only_where_that_is_wanted(forwarded: bool):
    inputs = run("prod", feedbackForwarding=forwarded).one("EmailIdentityFeedbackAttributes", "feedback").inputs
    assert inputs == {"emailIdentity": "example.com", "emailForwardingEnabled": forwarded}


@pytest.mark.parametrize("preview", [True, False])
def test_an_adopted_identity_is_read_and_never_registered(preview: bool):
    deployment = run("prod", preview=preview, adopt=True, mailFrom={}, dmarc={}, streams=TRACKS)
    assert deployment.read == [("aws:sesv2/emailIdentity:EmailIdentity", "example.com")]
    assert deployment.of("EmailIdentity") == deployment.of("EmailIdentityMailFromAttributes") == []
    assert deployment.of("EmailIdentityFeedbackAttributes") == []
    assert [record.name for record in deployment.of("Record")] == ["tracking-transactional"]


def test_adopted_identity_gets_only_the_named_settings():
    deployment = run("prod", adopt=True, takeOver=["mailFrom", "records"], streams=TRACKS)
    assert deployment.one("EmailIdentityMailFromAttributes", "mail-from")
    assert deployment.of("EmailIdentityFeedbackAttributes") == []
    assert {"dkim-0", "dmarc", "mail-from-mx", "tracking-transactional"} < {r.name for r in deployment.of("Record")}


def test_an_adopted_identity_may_sign_with_its_owners_key():
    values = run("prod", adopt=True, mailFrom={}, dmarc={}, identity=Sent(origin="EXTERNAL", tokens=("own",))).values
    assert values.dns_records == ()


def test_an_identity_with_byodkim_cannot_be_adopted():
    settings = Settings(domain="example.com", page=("oncall@example.com",), adopt=True).identity
    with pytest.raises(pulumi.RunError, match=r"BYODKIM.*put-email-identity-dkim-signing-attributes"):
        _token(settings, 0, ["selector"])
    assert _token(settings, 1, ["a", "b", "c"]) == "b"
