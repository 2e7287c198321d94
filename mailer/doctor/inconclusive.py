"""Why a check is inconclusive: exceptions that end it without a problem."""


class Missing(Exception):  # noqa: N818 - it says what is missing
    """A resource of the stack does not exist.

    Attributes:
        check: The name of the check that reports it; others are skipped.
        what: The resource, for people.
    """

    def __init__(self, check: str, what: str) -> None:
        super().__init__(f"{what} does not exist")
        self.check = check
        self.what = what


class Unanswered(Exception):  # noqa: N818 - nothing is known to be wrong
    """The question got no answer; the text says why."""


class NotApplicable(Exception):  # noqa: N818 - nothing is wrong
    """The question does not arise here; the text says why."""
