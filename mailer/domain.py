"""Domain names in the ASCII form that DNS holds: one function, for addresses, settings, DNS records and URLs.

The standard library and `idna` only: the feedback Lambda and `infra/` use it, too.
"""

import re
from functools import lru_cache

# RFC 1035 §2.3.4, without the root's own dot.
MAX_DOMAIN, MAX_LABEL = 253, 63
# UTS 46 leaves characters out, so that a name may be longer as it is written; one longer than this is none.
_MAX_WRITTEN = 4 * MAX_DOMAIN
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")


@lru_cache(maxsize=1024)  # most mail goes to a few domains
def ascii_domain(text: str) -> str:
    """A domain name in lower case and ASCII, by IDNA 2008 with the mapping of UTS 46 (non-transitional).

    `str.encode("idna")` is IDNA 2003: it turns `faß.example` into `fass.example`, which another owner may register.

    Args:
        text: The name, without a dot at its end.

    Raises:
        ValueError: DNS cannot hold it, or it is no domain name; the message says why.

    Example:
        >>> ascii_domain("Bücher.Example"), ascii_domain("faß.example")
        ('xn--bcher-kva.example', 'xn--fa-hia.example')
    """
    if len(text) > _MAX_WRITTEN:
        raise ValueError("DNS cannot hold this name: it is too long")
    # What is ASCII is the name in DNS already. Checking it as IDNA does would refuse names that exist (xn--ls8h.la).
    name = text.lower() if text.isascii() else _translated(text)
    labels = name.split(".")
    if len(name) > MAX_DOMAIN or any(len(label) > MAX_LABEL for label in labels):
        raise ValueError("DNS cannot hold this name: it is too long")
    if not all(map(_LABEL.match, labels)):
        raise ValueError("DNS cannot hold this name")
    # RFC 1123 §2.1: "at least the highest-level component label will be alphabetic", which tells names from addresses.
    if not labels[-1].isalpha() and not labels[-1].startswith("xn--"):
        raise ValueError("its top-level domain is not alphabetic")
    return name


def _translated(text: str) -> str:
    import idna  # half a megabyte of tables, which hardly any name needs

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"DNS cannot hold this name: {error}") from error
