"""The emulated operations by name. Others are answered with `NotEmulated`."""

from mailstack_localcloud.ses.context import Handler
from mailstack_localcloud.ses.operations import (
    account,
    bulk,
    configuration_sets,
    contacts,
    dedicated_ips,
    deliverability,
    endpoints,
    event_destinations,
    identities,
    insights,
    jobs,
    sending,
    suppression,
    tags,
    templates,
    tenants,
    verification_templates,
)

HANDLERS: dict[str, Handler] = {
    **identities.HANDLERS,
    **configuration_sets.HANDLERS,
    **event_destinations.HANDLERS,
    **account.HANDLERS,
    **suppression.HANDLERS,
    **contacts.HANDLERS,
    **tags.HANDLERS,
    **sending.HANDLERS,
    **bulk.HANDLERS,
    **templates.HANDLERS,
    **verification_templates.HANDLERS,
    **tenants.HANDLERS,
    **dedicated_ips.HANDLERS,
    **deliverability.HANDLERS,
    **endpoints.HANDLERS,
    **insights.HANDLERS,
    **jobs.HANDLERS,
}
