"""The emulated operations of the first API by name. Others are answered with `NotEmulated`."""

from mailstack_localcloud.ses.context import Handler
from mailstack_localcloud.ses_v1.operations import (
    account,
    bulk,
    configuration_sets,
    identities,
    policies,
    sending,
    set_options,
    templates,
)

HANDLERS: dict[str, Handler] = {
    **sending.HANDLERS,
    **bulk.HANDLERS,
    **templates.HANDLERS,
    **account.HANDLERS,
    **identities.HANDLERS,
    **policies.HANDLERS,
    **configuration_sets.HANDLERS,
    **set_options.HANDLERS,
}
