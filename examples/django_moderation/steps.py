"""The number of a step in an address."""


class Step:
    """A converter of Django's for 1 to 4."""

    regex = "[1-4]"

    def to_python(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Its text."""
        return str(value)
