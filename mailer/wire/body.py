"""The bytes of a request, in the parts that they were written in."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bytes. Memory of this size is used again and again; a megabyte is asked of the system each time.
_PIECE = 64 * 1024


class Body:
    """Parts of a body, which are joined in pieces while they are read. May be read more than once."""

    def __init__(self, *parts: bytes) -> None:
        self._parts, self._size = parts, sum(map(len, parts))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> "Iterator[bytes]":
        return self.after(b"")

    def after(self, head: bytes) -> "Iterator[bytes]":
        """The pieces, with the head at the beginning of the first."""
        piece, size = [head], len(head)
        for part in self._parts:
            piece.append(part)
            size += len(part)
            if size >= _PIECE:
                yield b"".join(piece)
                piece, size = [], 0
        if piece:
            yield b"".join(piece)

    def __repr__(self) -> str:
        return f"<Body of {self._size} bytes>"
