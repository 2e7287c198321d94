"""Blocks of a page that are generated: between `<!-- NAME: begin -->` and `<!-- NAME: end -->`."""

import re


def with_block(page: str, name: str, block: str) -> str:
    """The page with one block replaced.

    Raises:
        ValueError: The page does not have exactly one such block.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    written, count = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{block}\n\n{end}", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the page has {count} blocks {begin} … {end}, not one")
    return written
