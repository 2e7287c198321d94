"""The library's own errors, by name and by their words."""

import re
from typing import TYPE_CHECKING

from mailer import errors
from mailer.doctor.explain.explanation import Explanation, of_error
from mailer.errors import MailerError
from mailer.results import NotSent

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = "mailer"
CLASSES: dict[str, type[MailerError]] = {
    "NotSent": NotSent,
    **{name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, MailerError)},
}
_NAME = re.compile(rf"\b({'|'.join(sorted(CLASSES, key=len, reverse=True))})\b")
# What the messages of errors begin with that carry no word of a service.
_WORDS = (
    (r"No outputs of stack|No stack is named|The outputs are of stack", "StackNotFound"),
    (r"outputs of version|is not the outputs of a stack", "StackOutputsInvalid"),
    (r"The stack '[^']*' has no stream", "UnknownStream"),
    (r"(Could not [a-z ]{1,60}|in) the DynamoDB table|The DynamoDB table", "StoreError"),
    (r"Confirmation needs a terminal|which is not installed", "ConfigurationError"),
)
_REMEDY = {
    True: "The library sends it again by itself; if it lasts, remove the cause.",
    False: "The error's `hint` says what to do next.",
}


def explain(text: str) -> "Iterator[Explanation]":
    """What the text means if it names one of our errors, or is the message of one."""
    for pattern, name in _WORDS:
        if re.search(pattern, text):
            yield _explanation(name)
            return
    if found := _NAME.search(text):
        yield _explanation(found.group(1))


def _explanation(name: str) -> Explanation:
    kind = CLASSES[name]
    cause = " ".join((kind.__doc__ or "").partition("\n\n")[0].split())
    return of_error(SOURCE, name, cause, _REMEDY[bool(getattr(kind, "retryable", False))])
