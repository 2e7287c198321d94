"""Fast identifiers: unique, but not secret."""

import itertools
import uuid

# An odd step meets each number of 48 bits once before it meets one again, and far from the last; the rest of the digits
# tells this process from others.
_START, _STEP, _MASK = uuid.uuid4().int & 0xFFFF_FFFF_FFFF, 0x9E37_79B9_7F4B, 0xFFFF_FFFF_FFFF
_numbers = itertools.count(_START, _STEP)
_REST = str(uuid.uuid4())[13:]


def unique() -> str:
    """A UUID (version 4 by its form) as text, in a fraction of the time that `uuid` takes: a mail has five of them."""
    digits = f"{next(_numbers) & _MASK:012x}"
    return f"{digits[:8]}-{digits[8:]}{_REST}"
