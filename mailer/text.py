"""Text as people give it: None, lazy translations, subclasses of `str`. Not for what the text says."""

from mailer.errors import InvalidMessage


def as_text(value: object, what: str, *, refusal: type[InvalidMessage] = InvalidMessage) -> str:
    """The plain `str` that a value is; empty for None.

    Lazy translations (Django's `gettext_lazy`, Babel's `LazyProxy`) are no `str` and behave like one. A subclass such
    as `Markup` would go on escaping what it is joined with.

    Args:
        value: What was given.
        what: What it is for, for the message.
        refusal: The error to raise.

    Raises:
        InvalidMessage: It is no text.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return str.__str__(value)
    if not isinstance(value, type) and callable(getattr(value, "casefold", None)):
        return str(value)
    given = f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
    raise refusal(f"{what} is {given}, not text.", hint="Pass a str.")
