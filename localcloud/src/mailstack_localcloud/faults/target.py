"""The target that faults are matched against. Each API reads it from its own requests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """The operation that a request asks for, and the bare addresses of everybody whom it would send mail to."""

    operation: str
    recipients: tuple[str, ...] = ()
