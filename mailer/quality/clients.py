"""How much of what a page uses each mail client supports, from the data of caniemail.com."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailer.quality.features import used
from mailer.quality.report import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.quality.page import Page

_DATA = Path(__file__).with_name("caniemail.json")
# What a feature is worth that is supported, supported in part, or not at all. What nobody has tested does not count.
_WORTH = {"y": 1.0, "a": 0.5, "n": 0.0}
_TESTED = 20
# Below which the mean over all clients is a warning.
LEAST = 80
_NAMED = 4


@dataclass(frozen=True, slots=True)
class _Feature:
    slug: str
    title: str
    support: str


@cache
def _data() -> tuple[tuple[str, ...], tuple[_Feature, ...], str]:
    data: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    features = tuple(_Feature(slug, title, support) for slug, _, title, support in data["features"])
    return tuple(data["clients"]), features, data["date"]


def support(page: "Page") -> dict[str, int]:
    """The share of what a page uses that each client supports, 0 to 100, of clients with enough tested features."""
    clients, features, _ = _data()
    slugs = used(page)
    letters = {
        client: [one.support[number] for one in features if one.slug in slugs and one.support[number] in _WORTH]
        for number, client in enumerate(clients)
    }
    return {
        client: round(100 * sum(_WORTH[letter] for letter in found) / len(found))
        for client, found in letters.items()
        if found and len(found) >= min(_TESTED, len(slugs))
    }


def check(page: "Page") -> Check:
    """The mean over all clients, the worst ones, and each feature that some do not support."""
    shares = support(page)
    if not shares:
        return Check("mail clients", "pass", "the page uses nothing that caniemail.com has tested")
    mean = round(sum(shares.values()) / len(shares))
    worst = sorted(shares.items(), key=lambda pair: pair[1])[:_NAMED]
    named = ", ".join(f"{client} {share}%" for client, share in worst)
    words = f"{mean}% of what it uses is supported by {len(shares)} clients; least: {named}"
    return Check("mail clients", "pass" if mean >= LEAST else "warn", words, tuple(_unsupported(page)))


def _unsupported(page: "Page") -> "Iterator[str]":
    """Each feature without support somewhere, those that most clients lack first."""
    clients, features, _ = _data()
    slugs = used(page)
    lacking = {
        one.title: [client for client, letter in zip(clients, one.support, strict=True) if letter == "n"]
        for one in features
        if one.slug in slugs
    }
    for title, without in sorted(lacking.items(), key=lambda pair: -len(pair[1])):
        if without:
            more = f" and {len(without) - _NAMED} more" if len(without) > _NAMED else ""
            yield f"{title} is not supported by {', '.join(without[:_NAMED])}{more}"
