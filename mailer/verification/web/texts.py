"""What the pages say, by purpose and outcome. Pages of one's own may say something else: they get the outcome, too."""

from typing import NamedTuple

from mailer.verification.results import Outcome


class Words(NamedTuple):
    """The words of a purpose.

    Attributes:
        ask: The title of the page that asks for the address.
        link: The title of the page behind a link.
        button: What its button says.
        done: What is said when it is done.
        repeated: What is said at a second visit.
        may_ask: Whether a second visitor may need a new link.
    """

    ask: str
    link: str
    button: str
    done: str
    repeated: str
    may_ask: bool = False


_CONFIRMED = "Your address is confirmed."
_USED = "This link was used already. Each link works once."
_OTHER = Words("Confirm your address", "Confirm your address", "Confirm", _CONFIRMED, _CONFIRMED)
WORDS = {
    "sign-up": _OTHER._replace(ask="Sign up"),
    "sign-in": Words("Sign in", "Sign in", "Sign in", "You are signed in.", _USED, may_ask=True),
    "change-address": _OTHER._replace(ask="Change your address", link="Confirm your new address"),
    "reset-password": Words(
        "Reset your password",
        "Reset your password",
        "Continue",
        "You may choose a new password now.",
        _USED,
        may_ask=True,
    ),
}


def words_of(purpose: str) -> Words:
    """The words of a purpose; those of a confirmation for a purpose of the application's own."""
    return WORDS.get(purpose, _OTHER)


# Title and text of the page that says why it does not go on.
REFUSALS = {
    Outcome.EXPIRED: ("Too late", "This link is too old. Ask for a new one."),
    Outcome.UNKNOWN: ("Not valid", "This link is not valid, or a newer one was sent. Use the newest mail."),
    Outcome.OTHER_BROWSER: ("Another browser", "Open this link in the browser in which you asked for it."),
    Outcome.LIMITED: ("Too many attempts", "Wait a while, then try again."),
}
CODE_ERRORS = {
    Outcome.WRONG: "This is not the code that was sent.",
    Outcome.EXHAUSTED: "This code was tried too often. Ask for a new one.",
    Outcome.EXPIRED: "This code is too old. Ask for a new one.",
    Outcome.UNKNOWN: "No code was sent from this browser, or it is too old. Ask for a new one.",
    Outcome.REPEATED: "This code was used already. Ask for a new one.",
    Outcome.LIMITED: "Too many attempts. Wait a while, then try again.",
}
SENT = ("Look into your mail", "If {address} can be used, a mail with a link is on its way. Open it in this browser.")
ASK_LIMITED = "Too many mails were asked for. Wait a while, then try again."
NO_ADDRESS = "This is not an e-mail address."
FOREIGN = ("Not allowed", "This form was sent by another site. Go back, and try again.")
UNAVAILABLE = ("Not available", "This does not work at the moment. Try again in a few minutes.")
