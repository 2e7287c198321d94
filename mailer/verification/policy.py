"""How long tokens live, how often they may be asked for and tried, and how likely a guess is then."""

from dataclasses import dataclass, field
from datetime import timedelta

from mailer.stores.tokens import Limit

# NIST SP 800-63B-4 §3.1.3.1 allows ten minutes and asks for six digits at least: https://pages.nist.gov/800-63-4/
CODE_DIGITS = 6
CODE_LIFETIME = timedelta(minutes=10)
ATTEMPTS = 3
LINK_LIFETIME, RESET_LIFETIME, SIGN_IN_LIFETIME = timedelta(hours=72), timedelta(hours=24), timedelta(hours=1)
# Clocks of two servers may differ by so much. A token is valid for so much longer; attempts are counted all the same.
SKEW = timedelta(seconds=30)
_NAME_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a token is good for. A token of one purpose is refused for every other.

    Attributes:
        name: Lower-case ASCII letters, digits and hyphens, 32 at most. It is part of what is hashed, and of addresses.
        code_lifetime: How long a code is valid.
        link_lifetime: How long a link is valid.
        attempts: How often a code may be tried.
        other_browsers: Whether a browser other than the one that asked may use a link, by a button on the page. Where
            the application gives no browser when it asks, every browser may.
        asking_browser_again: Whether the browser that asked may use a link once more after another browser did. Some
            mail scanners submit forms; without this, one that uses a link locks the person out.

    Raises:
        ValueError: A value is out of range.
    """

    name: str
    code_lifetime: timedelta = CODE_LIFETIME
    link_lifetime: timedelta = LINK_LIFETIME
    attempts: int = ATTEMPTS
    other_browsers: bool = True
    asking_browser_again: bool = False

    def __post_init__(self) -> None:
        allowed = self.name.isascii() and self.name == self.name.lower() and self.name.replace("-", "").isalnum()
        if not allowed or len(self.name) > _NAME_LENGTH:
            raise ValueError(f"{self.name!r} is no name of a purpose: use a-z, 0-9 and -, {_NAME_LENGTH} at most.")
        if not 1 <= self.attempts <= _MOST_ATTEMPTS:
            raise ValueError(f"attempts is {self.attempts}: use 1 to {_MOST_ATTEMPTS}.")
        for name, most in (("code_lifetime", timedelta(hours=1)), ("link_lifetime", timedelta(days=14))):
            if not timedelta(minutes=1) <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}: use 1 minute to {most}.")


_MOST_ATTEMPTS = 10

SIGN_UP = Purpose("sign-up")
CHANGE_ADDRESS = Purpose("change-address")
# Only where it was asked for: a link that another person's browser opens would sign that browser in.
SIGN_IN = Purpose("sign-in", link_lifetime=SIGN_IN_LIFETIME, other_browsers=False)
RESET_PASSWORD = Purpose("reset-password", link_lifetime=RESET_LIFETIME, asking_browser_again=True)


@dataclass(frozen=True, slots=True)
class Limits:
    """How often tokens may be asked for and tried, over all purposes together.

    Attributes:
        per_address: Codes and links to one address.
        per_client: Codes and links that one client asks for.
        attempts_per_client: Codes that one client tries. Raise both where many people share a network address.
    """

    per_address: Limit = field(default_factory=lambda: Limit(5))
    per_client: Limit = field(default_factory=lambda: Limit(50))
    attempts_per_client: Limit = field(default_factory=lambda: Limit(100))


def chance_of_guessing(limits: Limits | None = None, purpose: Purpose = SIGN_IN) -> float:
    """The chance that an attacker guesses one of an address's codes within an hour, on average.

    Each guess at a code excludes one of a million values, so `attempts` guesses at one code succeed with `attempts` in
    a million; the codes are independent.

    Example:
        >>> f"{chance_of_guessing():.6%}"
        '0.001500%'
    """
    limit = (limits or Limits()).per_address
    codes = limit.count * (timedelta(hours=1) / limit.period)
    return 1 - (1 - purpose.attempts / 10**CODE_DIGITS) ** codes
