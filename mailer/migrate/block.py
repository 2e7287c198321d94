"""The marks around the lines that `mailer migrate` adds to a file."""

BEGIN, END = "# mailstack: begin", "# mailstack: end"


def without_block(text: str) -> str:
    r"""The text with empty lines in the place of a block, so that the numbers of the others stay.

    Example:
        >>> without_block("a\n# mailstack: begin\nb\n# mailstack: end\nc")
        'a\n\n\n\nc'
    """
    if BEGIN not in text:
        return text
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        inside = inside or line.startswith(BEGIN)
        kept.append("" if inside else line)
        inside = inside and line.rstrip() != END
    return "\n".join(kept)
