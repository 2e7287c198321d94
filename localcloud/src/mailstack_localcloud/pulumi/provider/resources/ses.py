"""Amazon SES v2. After internal/service/sesv2/{email_identity,configuration_set}*.go."""

from datetime import datetime
from typing import Any, cast

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import ARN, Allowed, Arg, Resource, Tagging, as_set, form, up_to
from mailstack_localcloud.pulumi.provider.resources._names import from_api, given, mapping, pairs, to_api, when
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, is_unknown, obj

TAGS = Tagging(
    read=lambda cloud, state: mapping(cloud.ses.list_tags_for_resource(ResourceArn=state["arn"])["Tags"]),
    add=lambda cloud, state, tags: cloud.ses.tag_resource(ResourceArn=state["arn"], Tags=pairs(tags)),
    remove=lambda cloud, state, keys: cloud.ses.untag_resource(ResourceArn=state["arn"], TagKeys=keys),
)

# --- Identity ------------------------------------------------------------------------------------------------------

_SET_NAME = up_to(64, 1)
_REASONS = ("BOUNCE", "COMPLAINT")
_STATUS = ("ENABLED", "DISABLED")
_DKIM: dict[str, Allowed] = {
    "domainSigningPrivateKey": form(r"[A-Za-z0-9+/=\s]{1,20480}", "is base64, at most 20480 characters"),
    "domainSigningSelector": up_to(63, 1),
    "nextSigningKeyLength": ("RSA_1024_BIT", "RSA_2048_BIT"),
}
_IDENTITY = {
    "emailIdentity": Arg(replaces=True),
    "configurationSetName": Arg(allowed=_SET_NAME),
    "dkimSigningAttributes": Arg(keeps=True, members=_DKIM),
}
_DKIM_COMPUTED = (
    "currentSigningKeyLength",
    "lastKeyGenerationTimestamp",
    "signingAttributesOrigin",
    "status",
    "tokens",
)
_SECRET_KEYS = ("domainSigningPrivateKey", "domainSigningSelector")
"""SES never returns these; with BYODKIM the tokens hold the selector."""


def _create_identity(cloud: Cloud, wanted: Props) -> str:
    request = given(
        {
            "EmailIdentity": wanted["emailIdentity"],
            "ConfigurationSetName": wanted.get("configurationSetName"),
            "DkimSigningAttributes": to_api(wanted.get("dkimSigningAttributes")),
            "Tags": pairs(wanted["tags"]),
        }
    )
    cloud.ses.create_email_identity(**request)
    return str(wanted["emailIdentity"])


def read_identity(cloud: Cloud, name: str, known: Props) -> Props:
    """An identity, with what is known of its DKIM key besides."""
    found = cast("Any", cloud.ses.get_email_identity(EmailIdentity=name))
    dkim = found.get("DkimAttributes", {})
    kept = {key: obj(known.get("dkimSigningAttributes")).get(key) for key in _SECRET_KEYS}
    generated = dkim.get("LastKeyGenerationTimestamp")
    attributes = {
        **kept,
        "currentSigningKeyLength": dkim.get("CurrentSigningKeyLength"),
        "lastKeyGenerationTimestamp": when(generated) if isinstance(generated, datetime) else None,
        "nextSigningKeyLength": dkim.get("NextSigningKeyLength"),
        "signingAttributesOrigin": dkim.get("SigningAttributesOrigin"),
        "status": dkim.get("Status"),
    }
    return {
        "emailIdentity": name,
        "arn": cloud.arn("ses", f"identity/{name}"),
        "configurationSetName": found.get("ConfigurationSetName", ""),
        "dkimSigningAttributes": {**given(attributes), "tokens": dkim.get("Tokens", [])},
        "identityType": found["IdentityType"],
        "verificationStatus": found.get("VerificationStatus", ""),
        "verifiedForSendingStatus": found.get("VerifiedForSendingStatus", False),
    }


def _update_identity(cloud: Cloud, name: str, wanted: Props, changed: frozenset[str]) -> None:
    if "configurationSetName" in changed:
        configuration_set = given({"ConfigurationSetName": wanted.get("configurationSetName")})
        cloud.ses.put_email_identity_configuration_set_attributes(EmailIdentity=name, **configuration_set)
    if "dkimSigningAttributes" in changed:
        attributes = wanted["dkimSigningAttributes"]
        members = {key: attributes.get(key) for key in (*_SECRET_KEYS, "nextSigningKeyLength")}
        origin: Any = "EXTERNAL" if members["domainSigningPrivateKey"] else "AWS_SES"
        cloud.ses.put_email_identity_dkim_signing_attributes(
            EmailIdentity=name, SigningAttributesOrigin=origin, SigningAttributes=to_api(given(members))
        )


def _identity_rules(inputs: Props) -> list[Problem]:
    block = obj(inputs.get("dkimSigningAttributes"))
    given_keys = [name for name in _SECRET_KEYS if block.get(name)]
    missing = [name for name in _SECRET_KEYS if given_keys and name not in given_keys]
    problems = [Problem(f"dkimSigningAttributes.{name}", "required with a key of one's own") for name in missing]
    if given_keys and block.get("nextSigningKeyLength"):
        problems.append(Problem("dkimSigningAttributes.nextSigningKeyLength", "not together with a key of one's own"))
    return problems


# --- MAIL FROM -----------------------------------------------------------------------------------------------------

_MAIL_FROM = {
    "emailIdentity": Arg(replaces=True),
    "behaviorOnMxFailure": Arg(default="USE_DEFAULT_VALUE", allowed=("USE_DEFAULT_VALUE", "REJECT_MESSAGE")),
    "mailFromDomain": Arg(),
}


def _put_mail_from(cloud: Cloud, wanted: Props) -> str:
    # SES refuses a behaviour without a domain.
    domain = wanted.get("mailFromDomain")
    behaviour = wanted["behaviorOnMxFailure"] if domain else None
    request = given({"MailFromDomain": domain, "BehaviorOnMxFailure": behaviour})
    cloud.ses.put_email_identity_mail_from_attributes(EmailIdentity=wanted["emailIdentity"], **request)
    return str(wanted["emailIdentity"])


def _mail_from_rules(inputs: Props) -> list[Problem]:
    if inputs.get("behaviorOnMxFailure") == "REJECT_MESSAGE" and not inputs.get("mailFromDomain"):
        return [Problem("mailFromDomain", "required with behaviorOnMxFailure REJECT_MESSAGE")]
    return []


def _read_mail_from(cloud: Cloud, name: str, _: Props) -> Props:
    found = cast("Any", cloud.ses.get_email_identity(EmailIdentity=name))["MailFromAttributes"]
    return {
        "emailIdentity": name,
        "behaviorOnMxFailure": found["BehaviorOnMxFailure"],
        "mailFromDomain": found.get("MailFromDomain", ""),
    }


# --- Feedback by mail ----------------------------------------------------------------------------------------------


def _put_feedback(cloud: Cloud, wanted: Props) -> str:
    # SES's own default is true; the official provider's is false.
    cloud.ses.put_email_identity_feedback_attributes(
        EmailIdentity=wanted["emailIdentity"], EmailForwardingEnabled=wanted["emailForwardingEnabled"]
    )
    return str(wanted["emailIdentity"])


def _read_feedback(cloud: Cloud, name: str, _: Props) -> Props:
    found = cloud.ses.get_email_identity(EmailIdentity=name)
    return {"emailIdentity": name, "emailForwardingEnabled": found.get("FeedbackForwardingStatus", False)}


# --- Account -------------------------------------------------------------------------------------------------------

_VDM = {
    "vdmEnabled": Arg(allowed=_STATUS),
    "dashboardAttributes": Arg(keeps=True, members={"engagementMetrics": _STATUS}),
    "guardianAttributes": Arg(keeps=True, members={"optimizedSharedDelivery": _STATUS}),
}


def _put_account_suppression(cloud: Cloud, wanted: Props) -> str:
    cloud.ses.put_account_suppression_attributes(SuppressedReasons=wanted["suppressedReasons"])
    return cloud.account_id


def _read_account_suppression(cloud: Cloud, _: str, __: Props) -> Props:
    return {"suppressedReasons": cloud.ses.get_account().get("SuppressionAttributes", {}).get("SuppressedReasons", [])}


def _put_account_vdm(cloud: Cloud, wanted: Props) -> str:
    attributes = to_api(given({name: wanted.get(name) for name in _VDM}))
    cloud.ses.put_account_vdm_attributes(VdmAttributes=attributes)
    return "ses-account-vdm-attributes"


def _read_account_vdm(cloud: Cloud, _: str, __: Props) -> Props:
    found = from_api(cloud.ses.get_account().get("VdmAttributes", {}))
    return {"vdmEnabled": "DISABLED", "dashboardAttributes": {}, "guardianAttributes": {}, **found}


# --- Configuration set ---------------------------------------------------------------------------------------------

# An empty block switches these two off, as in the official provider.
_SET_VDM: dict[str, Allowed] = {
    "dashboardOptions.engagementMetrics": _STATUS,
    "guardianOptions.optimizedSharedDelivery": _STATUS,
}
_SET = {
    "configurationSetName": Arg(replaces=True, allowed=_SET_NAME),
    "deliveryOptions": Arg(
        default={}, members={"maxDeliverySeconds": range(300, 50_401), "tlsPolicy": ("REQUIRE", "OPTIONAL")}
    ),
    "reputationOptions": Arg(keeps=True, fill=lambda block: {"reputationMetricsEnabled": False, **block}),
    "sendingOptions": Arg(keeps=True, fill=lambda block: {"sendingEnabled": False, **block}),
    "suppressionOptions": Arg(default={}, same=as_set, members={"suppressedReasons": _REASONS}),
    "trackingOptions": Arg(default={}, members={"httpsPolicy": ("REQUIRE", "REQUIRE_OPEN_ONLY", "OPTIONAL")}),
    "vdmOptions": Arg(default={}, members=_SET_VDM),
}
_OPTIONS = tuple(name for name in _SET if name.endswith("Options"))


def _create_set(cloud: Cloud, wanted: Props) -> str:
    options = {name[0].upper() + name[1:]: to_api(wanted[name]) for name in _OPTIONS if wanted.get(name)}
    name = wanted["configurationSetName"]
    cloud.ses.create_configuration_set(ConfigurationSetName=name, Tags=pairs(wanted["tags"]), **options)
    return str(name)


def _read_set(cloud: Cloud, name: str, _: Props) -> Props:
    found = cast("Any", cloud.ses.get_configuration_set(ConfigurationSetName=name))
    reputation = found.get("ReputationOptions", {})
    if isinstance(reputation.get("LastFreshStart"), datetime):
        found["ReputationOptions"] = {**reputation, "LastFreshStart": when(reputation["LastFreshStart"])}
    options = {option: from_api(found.get(option[0].upper() + option[1:]) or {}) for option in _OPTIONS}
    return {"configurationSetName": name, "arn": cloud.arn("ses", f"configuration-set/{name}"), **options}


def _update_set(cloud: Cloud, name: str, wanted: Props, changed: frozenset[str]) -> None:
    put: dict[str, Any] = {
        "deliveryOptions": cloud.ses.put_configuration_set_delivery_options,
        "reputationOptions": cloud.ses.put_configuration_set_reputation_options,
        "sendingOptions": cloud.ses.put_configuration_set_sending_options,
        "suppressionOptions": cloud.ses.put_configuration_set_suppression_options,
        "trackingOptions": cloud.ses.put_configuration_set_tracking_options,
    }
    for option in sorted(changed & put.keys()):
        put[option](ConfigurationSetName=name, **to_api(wanted.get(option) or {}))
    if "vdmOptions" in changed:
        options = to_api(wanted.get("vdmOptions") or {})
        cloud.ses.put_configuration_set_vdm_options(ConfigurationSetName=name, VdmOptions=options)


# --- Event destination ---------------------------------------------------------------------------------------------

_EVENTS = (
    "SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK", "RENDERING_FAILURE", "DELIVERY_DELAY",
    "SUBSCRIPTION",
)  # fmt: skip
_DIMENSIONS = "cloudWatchDestination.dimensionConfigurations"
_INSIDE: dict[str, Allowed] = {
    "matchingEventTypes": _EVENTS,
    f"{_DIMENSIONS}.defaultDimensionValue": up_to(256, 1),
    f"{_DIMENSIONS}.dimensionName": up_to(256, 1),
    f"{_DIMENSIONS}.dimensionValueSource": ("MESSAGE_TAG", "EMAIL_HEADER", "LINK_TAG"),
    "eventBridgeDestination.eventBusArn": ARN,
    "kinesisFirehoseDestination.deliveryStreamArn": ARN,
    "kinesisFirehoseDestination.iamRoleArn": ARN,
    "snsDestination.topicArn": ARN,
}
# Left out, the destination is there and publishes nothing, as in the official provider.
_DESTINATION = {
    "configurationSetName": Arg(replaces=True),
    "eventDestinationName": Arg(replaces=True),
    "eventDestination": Arg(same=as_set, members=_INSIDE, fill=lambda block: {"enabled": False, **block}),
}
_KINDS = ("cloudWatch", "eventBridge", "kinesisFirehose", "pinpoint", "sns")


def _destination(wanted: Props) -> dict[str, Any]:
    return {
        "ConfigurationSetName": wanted["configurationSetName"],
        "EventDestinationName": wanted["eventDestinationName"],
        "EventDestination": to_api(given(wanted["eventDestination"])),
    }


def _create_destination(cloud: Cloud, wanted: Props) -> str:
    cloud.ses.create_configuration_set_event_destination(**_destination(wanted))
    return f"{wanted['configurationSetName']}|{wanted['eventDestinationName']}"


def _read_destination(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    configuration_set, name = identifier.split("|", 1)
    found = cloud.ses.get_configuration_set_event_destinations(ConfigurationSetName=configuration_set)
    for destination in found["EventDestinations"]:
        if destination["Name"] == name:
            block = from_api({key: value for key, value in destination.items() if key != "Name"})
            names = {"configurationSetName": configuration_set, "eventDestinationName": name}
            return {**names, "eventDestination": {"enabled": False, **given(block)}}
    return None


def _delete_destination(cloud: Cloud, identifier: str, _: Props) -> None:
    configuration_set, name = identifier.split("|", 1)
    cloud.ses.delete_configuration_set_event_destination(
        ConfigurationSetName=configuration_set, EventDestinationName=name
    )


def _destination_rules(inputs: Props) -> list[Problem]:
    block = inputs["eventDestination"]
    if is_unknown(block):
        return []
    kinds = [kind for kind in _KINDS if block.get(f"{kind}Destination")]
    if len(kinds) != 1:
        names = ", ".join(f"{kind}Destination" for kind in _KINDS)
        return [Problem("eventDestination", f"needs exactly one of {names}; it has {len(kinds)}")]
    return []


RESOURCES = (
    Resource(
        kind="aws:sesv2/emailIdentity:EmailIdentity",
        args=_IDENTITY,
        create=_create_identity,
        read=read_identity,
        update=_update_identity,
        delete=lambda cloud, name, _: cloud.ses.delete_email_identity(EmailIdentity=name),
        computed=(
            "arn",
            "identityType",
            "verificationStatus",
            "verifiedForSendingStatus",
            *(f"dkimSigningAttributes.{name}" for name in _DKIM_COMPUTED),
        ),
        identity=("emailIdentity",),
        tags=TAGS,
        rules=_identity_rules,
    ),
    Resource(
        kind="aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes",
        args=_MAIL_FROM,
        create=_put_mail_from,
        read=_read_mail_from,
        update=lambda cloud, _, wanted, changed: _put_mail_from(
            cloud, {name: value for name, value in wanted.items() if value or name not in changed}
        ),
        delete=lambda cloud, name, _: cloud.ses.put_email_identity_mail_from_attributes(EmailIdentity=name),
        identity=("emailIdentity",),
        rules=_mail_from_rules,
    ),
    Resource(
        kind="aws:sesv2/emailIdentityFeedbackAttributes:EmailIdentityFeedbackAttributes",
        args={"emailIdentity": Arg(replaces=True), "emailForwardingEnabled": Arg(default=False)},
        create=_put_feedback,
        read=_read_feedback,
        update=lambda cloud, _, wanted, __: _put_feedback(cloud, wanted),
        # As in the official provider, forwarding stays off when the resource is gone.
        delete=lambda cloud, name, _: cloud.ses.put_email_identity_feedback_attributes(EmailIdentity=name),
        identity=("emailIdentity",),
    ),
    Resource(
        kind="aws:sesv2/accountSuppressionAttributes:AccountSuppressionAttributes",
        args={"suppressedReasons": Arg(same=as_set, allowed=_REASONS)},
        create=_put_account_suppression,
        read=_read_account_suppression,
        update=lambda cloud, _, wanted, __: _put_account_suppression(cloud, wanted),
        delete=lambda _, __, ___: None,  # as in the official provider
    ),
    Resource(
        kind="aws:sesv2/accountVdmAttributes:AccountVdmAttributes",
        args=_VDM,
        create=_put_account_vdm,
        read=_read_account_vdm,
        update=lambda cloud, _, wanted, __: _put_account_vdm(cloud, wanted),
        delete=lambda cloud, _, __: _put_account_vdm(cloud, {"vdmEnabled": "DISABLED"}),
    ),
    Resource(
        kind="aws:sesv2/configurationSet:ConfigurationSet",
        args=_SET,
        create=_create_set,
        read=_read_set,
        update=_update_set,
        delete=lambda cloud, name, _: cloud.ses.delete_configuration_set(ConfigurationSetName=name),
        computed=("arn", "reputationOptions.lastFreshStart"),
        identity=("configurationSetName",),
        tags=TAGS,
    ),
    Resource(
        kind="aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
        args=_DESTINATION,
        create=_create_destination,
        read=_read_destination,
        update=lambda cloud, _, wanted, __: cloud.ses.update_configuration_set_event_destination(
            **_destination(wanted)
        ),
        delete=_delete_destination,
        identity=("configurationSetName", "eventDestinationName"),
        rules=_destination_rules,
    ),
)
