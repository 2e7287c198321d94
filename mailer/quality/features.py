"""What of HTML and CSS a page uses, by the names of caniemail.com. Not for who supports it."""

import re
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.quality.page import Element, Page

# Elements whose name is not the feature's.
_ELEMENTS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(
        ("article", "aside", "details", "figcaption", "figure", "footer", "header", "main", "mark", "nav", "section"),
        "html-semantics",
    ),
    **dict.fromkeys(("map", "area"), "html-image-maps"),
}
_ATTRIBUTES = {"loading": "html-loading-attribute", "sizes": "html-srcset", "background": "html-background"}
_TYPED = {"button": ("reset", "submit"), "input": ("checkbox", "hidden", "radio", "reset", "submit", "text")}
_LINKS = {"#": "html-anchor-links", "mailto:": "html-mailto-links"}
_IMAGES = re.compile(r"\.(apng|avif|bmp|gif|hdr|heif|ico|jpe?g|mp4|png|svg|tiff|webp)(?:[?#]|\Z)", re.IGNORECASE)
# Properties whose name is not the feature's.
_PROPERTIES = {
    **dict.fromkeys(("left", "right", "top", "bottom"), "css-left-right-top-bottom"),
    **dict.fromkeys(("gap", "column-gap", "row-gap"), "css-gap"),
    **dict.fromkeys((f"padding-{side}" for side in ("left", "right", "top", "bottom")), "css-padding"),
    **dict.fromkeys((f"margin-{side}" for side in ("left", "right", "top", "bottom")), "css-margin"),
    **dict.fromkeys((f"border-{side}" for side in ("left", "right", "top", "bottom")), "css-border"),
    **dict.fromkeys((f"border-{part}" for part in ("color", "style", "width")), "css-border"),
    **dict.fromkeys((f"overflow-{axis}" for axis in "xy"), "css-overflow"),
}
_VALUES = {
    ("display", "flex"): "css-display-flex",
    ("display", "grid"): "css-display-grid",
    ("display", "none"): "css-display-none",
    ("flex-direction", "column"): "css-flex-direction",
    ("flex-wrap", "wrap"): "css-flex-wrap",
}
_KEYWORDS = {
    **dict.fromkeys(("fit-content", "min-content", "max-content"), "css-intrinsic-size"),
    **dict.fromkeys(("system-ui", "ui-serif", "ui-sans-serif", "ui-rounded", "ui-monospace"), "css-sytem-ui"),
    "initial": "css-unit-initial",
}
_FUNCTIONS = {
    **dict.fromkeys(("clamp", "light-dark", "max", "min"), "css-function-{}"),
    **dict.fromkeys(("linear-gradient", "radial-gradient", "conic-gradient", "rgb", "rgba"), "css-{}"),
    **dict.fromkeys(("lch", "oklch", "lab", "oklab"), "css-modern-color"),
    "calc": "css-unit-calc",
    "var": "css-variables",
}
_MEDIA = ("device-pixel-ratio", "hover", "orientation", "prefers-color-scheme", "prefers-reduced-motion")
_SELECTORS = {
    "css-selector-adjacent-sibling": re.compile(r"\+"),
    "css-selector-attribute": re.compile(r"\["),
    "css-selector-chaining": re.compile(r"\.[\w-]+\."),
    "css-selector-child": re.compile(r">"),
    "css-selector-class": re.compile(r"\.[A-Za-z_-]"),
    "css-selector-descendant": re.compile(r"[\w\])]\s+[\w.#\[*]"),
    "css-selector-general-sibling": re.compile(r"~(?!=)"),
    "css-selector-grouping": re.compile(r","),
    "css-selector-id": re.compile(r"#[A-Za-z_-]"),
    "css-selector-type": re.compile(r"(?:\A|[\s>+~,])[a-z]"),
    "css-selector-universal": re.compile(r"\*"),
}
_PSEUDO = re.compile(r"::?([a-z-]+)")


def used(page: "Page") -> set[str]:
    """The slugs of the features that a page may use; some are of features that caniemail does not have."""
    styled = (element.attributes.get("style", "") for element in page.elements)
    found = set(chain.from_iterable(map(_of_element, page.elements)))
    found.update(chain.from_iterable(map(_of_declarations, styled)))
    found.update(chain.from_iterable(map(_of_sheet, page.styles)))
    return found


def _of_element(element: "Element") -> "Iterator[str]":
    tag, attributes = element.tag, element.attributes
    if tag not in {"html", "head", "title", "meta"}:
        yield _ELEMENTS.get(tag, f"html-{tag}")
    if tag in _TYPED and attributes.get("type", "").lower() in _TYPED[tag]:
        yield f"html-{tag}-{attributes['type'].lower()}"
    if tag == "meta" and attributes.get("name") == "color-scheme":
        yield "html-meta-color-scheme"
    for name in attributes:
        yield _ATTRIBUTES.get(name, f"html-{name}")
    if tag == "a":
        yield from (slug for start, slug in _LINKS.items() if attributes.get("href", "").startswith(start))
    if tag == "img":
        yield from _of_image(attributes.get("src", ""))


def _of_image(source: str) -> "Iterator[str]":
    if source.startswith("data:"):
        yield "image-base64"
    elif suffix := _IMAGES.search(source):
        yield f"image-{suffix[1].lower().replace('jpeg', 'jpg')}"


def _of_sheet(text: str) -> "Iterator[str]":
    import tinycss2

    return _of_rules(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True))


def _of_rules(rules: "Iterable[Any]") -> "Iterator[str]":
    import tinycss2

    for rule in rules:
        prelude: str = tinycss2.serialize(rule.prelude).strip() if hasattr(rule, "prelude") else ""
        if rule.type == "qualified-rule":
            yield from (slug for slug, pattern in _SELECTORS.items() if pattern.search(prelude))
            for name in _PSEUDO.findall(prelude):
                yield from (f"css-pseudo-class-{name}", f"css-pseudo-element-{name}")
            yield from _of_declarations(rule.content)
        elif rule.type == "at-rule":
            yield f"css-at-{rule.at_keyword.lower()}"
            yield from (f"css-at-media-{name}" for name in _MEDIA if name in prelude)
            if rule.content and rule.at_keyword.lower() in {"media", "supports"}:
                yield from _of_rules(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True))


def _of_declarations(content: "str | list[Any]") -> "Iterator[str]":
    import tinycss2

    for one in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if one.type != "declaration":
            continue
        name: str = one.lower_name
        value: str = tinycss2.serialize(one.value).strip().lower()
        yield "css-variables" if name.startswith("--") else _PROPERTIES.get(name, f"css-{name}")
        if (name, value) in _VALUES:
            yield _VALUES[name, value]
        if one.important:
            yield "css-important"
        yield from _of_values(one.value)


def _of_values(tokens: "Iterable[Any]") -> "Iterator[str]":
    for token in tokens:
        if token.type == "dimension":
            yield f"css-unit-{token.lower_unit}"
        elif token.type == "percentage":
            yield "css-unit-percent"
        elif token.type == "ident" and token.lower_value in _KEYWORDS:
            yield _KEYWORDS[token.lower_value]
        elif token.type == "function":
            yield _FUNCTIONS.get(token.lower_name, "").format(token.lower_name)
            yield from _of_values(token.arguments)
