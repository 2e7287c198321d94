"""The recipient guard: outside production, nobody but the team gets mail. On top of the stack's IAM conditions.

Not for suppressions, which hold in every stack.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from mailer.address import Address
from mailer.errors import ConfigurationError, InvalidAddress, RecipientNotAllowed
from mailer.results import RecipientResult

if TYPE_CHECKING:
    from mailer.message import Message

ALLOWED_VARIABLE, REDIRECT_VARIABLE = "MAILSTACK_ALLOWED_RECIPIENTS", "MAILSTACK_REDIRECT_TO"
# A stack is production if a word of its name is one of these: prod, eu-prod, production-2.
PRODUCTION = frozenset({"prod", "production", "live"})
# Original recipients that the subject of a redirected message names.
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class RecipientGuard:
    """Which recipients may get mail, and what happens to mail for others: it is refused, or redirected to the team.

    Attributes:
        allowed: Addresses and patterns with `*` and `?`, such as `*@example.com`, in any letter case.
        redirect_to: Where mail for others goes, with the original recipients in the subject. Default: it is refused.
            This address is always allowed.
        in_production: Whether the guard may be used in a production stack, one with the word `prod`, `production` or
            `live` in its name. Without it, a `Mailer` of such a stack raises an error.

    Raises:
        ConfigurationError: A pattern or `redirect_to` is invalid, or a pattern allows everyone.

    Example:
        >>> guard = RecipientGuard(allowed=("*@example.com",))
        >>> guard.allows(Address("ada@example.com")), guard.allows(Address("ada@example.org"))
        (True, False)
    """

    allowed: tuple[str, ...] = ()
    redirect_to: Address | str | None = None
    in_production: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.allowed, str) or not isinstance(self.allowed, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - not every program is checked
            raise ConfigurationError("RecipientGuard.allowed is not a list.", hint='Pass ("*@example.com",).')
        object.__setattr__(self, "allowed", tuple(map(_pattern, self.allowed)))
        try:
            team = Address.parse(self.redirect_to) if self.redirect_to else None
        except InvalidAddress as error:
            raise ConfigurationError(f"RecipientGuard.redirect_to: {error.message}", hint=error.hint) from None
        object.__setattr__(self, "redirect_to", team)

    def allows(self, address: Address) -> bool:
        """Whether this recipient may get mail."""
        team = self.redirect_to
        is_team = isinstance(team, Address) and address.key == team.key
        return is_team or any(fnmatchcase(address.key, pattern) for pattern in self.allowed)

    def check_stack(self, stack: str) -> None:
        """See that the guard may be used in the stack.

        Raises:
            ConfigurationError: The stack is production.
        """
        if not self.in_production and PRODUCTION & set(stack.lower().replace("_", "-").split("-")):
            raise ConfigurationError(
                f"A recipient guard is set, and the stack {stack!r} is production: customers would get no mail.",
                hint=f"Unset {ALLOWED_VARIABLE} and {REDIRECT_VARIABLE}, or pass RecipientGuard(in_production=True).",
            )

    def deliver(
        self, message: "Message", send: "Callable[[Message], list[RecipientResult]]"
    ) -> "list[RecipientResult]":
        """Send what the guard leaves of the message; one result for each of its own recipients."""
        others = [address for address in message.recipients if not self.allows(address)]
        team = self.redirect_to
        if not others:
            return send(message)
        if isinstance(team, Address) and message.subject:
            results = {one.address.key: one for one in send(_redirected(message, others, team))}
            return [results.get(one.key) or _of_team(results[team.key], one) for one in message.recipients]
        kept = message.without({address.key for address in others})
        refused = [RecipientResult.of_error(address, _refusal(address, redirects=bool(team))) for address in others]
        return [*refused, *(send(kept) if kept else ())]


def guard_from_environment(environ: Mapping[str, str] | None = None) -> RecipientGuard | None:
    """The guard that the environment sets: patterns separated by commas, and an address; None without either.

    Raises:
        ConfigurationError: A value is invalid.
    """
    environ = os.environ if environ is None else environ
    patterns = tuple(one.strip() for one in environ.get(ALLOWED_VARIABLE, "").split(",") if one.strip())
    team = environ.get(REDIRECT_VARIABLE, "").strip()
    return RecipientGuard(allowed=patterns, redirect_to=team) if patterns or team else None


def _pattern(given: object) -> str:
    text = given.strip().lower() if isinstance(given, str) else ""
    local, at, domain = text.rpartition("@")
    if not (local and at and domain and text.isascii() and text.isprintable()):
        raise ConfigurationError(
            f"RecipientGuard: {given!r} is not an address or a pattern.",
            hint="Write ada@example.com or *@example.com, domains in ASCII (xn--...).",
        )
    if not domain.strip("*?."):
        raise ConfigurationError(f"RecipientGuard: {given!r} allows everyone.", hint="Name the domain: *@example.com.")
    return text


def _redirected(message: "Message", others: list[Address], team: Address) -> "Message":
    """The message with the team in the place of the others, who stand in the subject."""
    shown = ", ".join(address.email for address in others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    keys = {address.key for address in others}
    seen: set[str] = set()

    def replaced(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        wanted = [team if address.key in keys else address for address in addresses]
        return tuple(one for one in wanted if not (one.key in seen or seen.add(one.key)))

    to, cc, bcc = (replaced(addresses) for addresses in (message.to, message.cc, message.bcc))
    return message.readdressed(subject=f"[to {shown}{more}] {message.subject}", to=to, cc=cc, bcc=bcc)


def _of_team(result: RecipientResult, address: Address) -> RecipientResult:
    """What became of the team's copy, as the result of the recipient whom it was for."""
    reason = f"redirected to {result.address.masked}"
    return replace(result, address=address, reason=f"{reason}: {result.reason}" if result.reason else reason)


def _refusal(address: Address, *, redirects: bool) -> RecipientNotAllowed:
    why = " A stored template or raw MIME cannot be redirected: its subject is not ours." if redirects else ""
    return RecipientNotAllowed(
        f"The recipient guard of this environment does not allow {address.masked}.{why}",
        hint=f"Add the address or its domain to RecipientGuard.allowed or {ALLOWED_VARIABLE}.",
    )
