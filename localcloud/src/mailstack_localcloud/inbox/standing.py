"""Reasons why mail is not delivered now, and how to undo them: paused, suppressed, refused, faults.

Each remedy is a call of the SES API or the control plane.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from mailstack_localcloud.faults.rules import Armed
from mailstack_localcloud.inbox.people import person, readable
from mailstack_localcloud.ses.acceptance import suppression
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.operations import HANDLERS
from mailstack_localcloud.ses.state import Refused, State, StoredMessage

# So many of a suppression list are shown, the newest.
SHOWN = 100
# So many recipients of a refused mail are named.
_NAMED = 3
_IDLE = ", but the account sends to it all the same"
_REFUSES = "SES refuses its mail"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that keeps mail back; `action` on `target` (of `tenant`) ends it, which a button `label`s."""

    title: str
    action: str
    label: str
    target: str = ""
    tenant: str = ""
    detail: str = ""
    message_id: str = ""
    at: datetime | None = None
    # Whether SES refuses mail because of it.
    stops: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """All of it. What is `paused` concerns everybody's mail; of `suppressed` only the newest are here."""

    paused: list[Notice]
    suppressed: list[Notice]
    refused: list[Notice]
    faults: list[Notice]
    suppressions: int
    refusals: int
    paused_streams: frozenset[str]


class StandingError(Exception):
    """The action does not exist, or has nothing to act on; the message says which."""


def standing(context: Context) -> Standing:
    """The current reasons why mail is not delivered."""
    state = context.state
    streams = list(_streams(state))
    return Standing(
        paused=[*_account(state), *streams, *_tenants(state)],
        suppressed=list(islice(_suppressed(state), SHOWN)),
        refused=[_refused(one) for one in reversed(state.refused)],
        faults=[_fault(name, armed) for name, armed in context.faults.armed.items()],
        suppressions=sum(len(one.suppressed) for one in (state, *state.tenants.values())),
        refusals=sum(one.times for one in state.refused),
        paused_streams=frozenset(notice.target for notice in streams),
    )


def is_suppressed(context: Context, message: StoredMessage, address: str) -> bool:
    """Whether the list in force would keep the same mail from an address now."""
    sets = context.state.configuration_sets
    listed = suppression(context, message.tenant, sets.get(message.configuration_set or ""))
    found = listed.listed.get(address.lower())
    return found is not None and found.reason in listed.reasons


def _account(state: State) -> list[Notice]:
    account = state.account
    wrong = (
        (
            account.enforcement_status == "SHUTDOWN",
            Notice("The account is shut down", "reinstate-account", "Reinstate", detail="AWS refuses all its mail"),
        ),
        (
            account.enforcement_status == "PROBATION",
            Notice(
                "The account is under review",
                "reinstate-account",
                "End review",
                detail="its mail still goes out",
                stops=False,
            ),
        ),
        (
            not account.sending_enabled,
            Notice("The account is paused", "resume-account", "Resume", detail="SES refuses all its mail"),
        ),
        (
            not account.production_access,
            Notice("Sandbox", "leave-sandbox", "Leave", detail="only verified recipients", stops=False),
        ),
    )
    return [notice for applies, notice in wrong if applies]


def _streams(state: State) -> Iterator[Notice]:
    for one in state.configuration_sets.values():
        if not one.option("SendingOptions", "SendingEnabled", True):
            yield Notice(f"Stream {one.name} is paused", "resume-stream", "Resume", one.name, detail=_REFUSES)


def _tenants(state: State) -> Iterator[Notice]:
    for one in state.tenants.values():
        if one.status == "DISABLED":
            yield Notice(f"Tenant {one.name} is paused", "resume-tenant", "Resume", one.name, detail=_REFUSES)


def _suppressed(state: State) -> Iterator[Notice]:
    """The newest of the account's list first, then its tenants'."""
    for tenant, listed in [("", state.suppressed), *((one.name, one.suppressed) for one in state.tenants.values())]:
        for entry in reversed(listed.values()):
            idle = not tenant and entry.reason not in state.account.suppressed_reasons
            detail = entry.reason.lower() + (f", tenant {tenant}" if tenant else "") + _IDLE * idle
            title, mail = person(entry.address).shown, entry.message_id or ""
            yield Notice(title, "unsuppress", "Remove", entry.address, tenant, detail, mail, entry.updated_at)


def _fault(name: str, armed: Armed) -> Notice:
    fault = armed.fault
    title = f"{fault.effect} for {fault.operation} to {fault.recipient}"
    struck = f"struck {armed.struck} of {fault.times} times" if fault.times else f"struck {armed.struck} times"
    return Notice(title, "delete-fault", "Remove", name, detail=struck)


def _refused(one: Refused) -> Notice:
    more = f" and {len(one.recipients) - _NAMED} more" if len(one.recipients) > _NAMED else ""
    to = ", ".join(str(person(written)) for written in one.recipients[:_NAMED]) + more
    route = f"{person(one.source)} → {to}{f': {readable(one.subject)}' if one.subject else ''}"
    times = f", {one.times} times" if one.times > 1 else ""
    return Notice(f"{one.code}{times}", "forget-refusals", "Clear", detail=f"{one.reason}\n{route}", at=one.at)


async def end(context: Context, action: str, target: str = "", tenant: str = "") -> None:
    """Do what a notice's button says, or clear the inbox.

    Raises:
        StandingError: The action does not exist, or nothing has that name.
    """
    act = ACTIONS.get(action)
    if act is None:
        raise StandingError(f"action must be one of {', '.join(ACTIONS)}, not {action!r}.")
    try:
        done = act(context, target, tenant)
        if inspect.isawaitable(done):
            await done
    except SesError as error:
        raise StandingError(error.message) from error


def _resume_stream(context: Context, name: str, _: str) -> object:
    return HANDLERS["PutConfigurationSetSendingOptions"](
        context, {"ConfigurationSetName": name, "SendingEnabled": True}
    )


def _resume_tenant(context: Context, name: str, _: str) -> object:
    return HANDLERS["UpdateReputationEntityCustomerManagedStatus"](
        context,
        {
            "ReputationEntityType": "RESOURCE",
            "ReputationEntityReference": context.tenant(name).arn,
            "SendingStatus": "ENABLED",
        },
    )


def _unsuppress(context: Context, address: str, tenant: str) -> object:
    return HANDLERS["DeleteSuppressedDestination"](context, {"EmailAddress": address, "TenantName": tenant})


def _unsuppress_all(context: Context, _: str, __: str) -> None:
    for listed in (context.state, *context.state.tenants.values()):
        listed.suppressed.clear()


def _set(name: str, value: object) -> Callable[[Context, str, str], None]:
    return lambda context, _, __: setattr(context.state.account, name, value)


ACTIONS: dict[str, Callable[[Context, str, str], object | Awaitable[object]]] = {
    "resume-account": _set("sending_enabled", True),
    "reinstate-account": _set("enforcement_status", "HEALTHY"),
    "leave-sandbox": _set("production_access", True),
    "resume-stream": _resume_stream,
    "resume-tenant": _resume_tenant,
    "unsuppress": _unsuppress,
    "unsuppress-all": _unsuppress_all,
    "delete-fault": lambda context, name, _: context.faults.armed.pop(name, None),
    "forget-refusals": lambda context, _, __: context.state.refused.clear(),
    "clear-inbox": lambda context, _, __: context.state.messages.clear(),
}
