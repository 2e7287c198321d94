"""The emulated operations of the first API by name. What is not in the table is answered as not emulated."""

from localcloud.ses.context import Handler
from localcloud.ses_v1.operations import account, configuration_sets, identities, sending

HANDLERS: dict[str, Handler] = {
    **sending.HANDLERS,
    **account.HANDLERS,
    **identities.HANDLERS,
    **configuration_sets.HANDLERS,
}
