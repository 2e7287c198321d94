"""What a mail program would fetch when it shows a page: read from the page, conditional comments included."""

import re

_LOADING = {"src", "srcset", "background", "poster", "data"}
_TAG = re.compile(r"<([a-z][a-z0-9:]*)([^<>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_CSS = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])([^"')\s]+)""", re.IGNORECASE)


def loaded(html: str) -> set[str]:
    """Every URL that is loaded without the reader's doing."""
    found = set(_CSS.findall(html))
    for tag, attributes in _TAG.findall(html):
        for name, *values in _ATTRIBUTE.findall(attributes):
            if name.lower() in _LOADING or (tag.lower() == "link" and name.lower() == "href"):
                found.add("".join(values))
    return {url for url in found if url.startswith(("http:", "https:", "//"))}
