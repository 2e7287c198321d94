"""Codes and links that prove that a person reads an address: sign-up, sign-in, address change, password reset.

The public names are those in `__all__`; each is imported on first use. docs/guides/verification.md shows them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.secret_keys import new_key
    from mailer.stores.dynamodb.tokens import DynamoDBTokens
    from mailer.stores.memory_tokens import MemoryTokens
    from mailer.stores.tokens import Limit, Token, TokenEvent, TokenStore
    from mailer.verification.clients import client_key
    from mailer.verification.delivery import BackgroundDelivery, Delivery
    from mailer.verification.keys import VerificationKeys
    from mailer.verification.mails import CatalogMails, VerificationMails
    from mailer.verification.policy import (
        CHANGE_ADDRESS,
        RESET_PASSWORD,
        SIGN_IN,
        SIGN_UP,
        Limits,
        Purpose,
        chance_of_guessing,
    )
    from mailer.verification.results import Asked, Checked, Outcome
    from mailer.verification.service import Verification, new_browser_secret
    from mailer.verification.throttle import Throttle
    from mailer.verification.web.django_urls import verification_urls
    from mailer.verification.web.pages import Pages, WebAnswer, WebRequest
    from mailer.verification.web.routes import verification_routes
    from mailer.verification.web.templates import PageTemplates

__all__ = [
    "CHANGE_ADDRESS",
    "RESET_PASSWORD",
    "SIGN_IN",
    "SIGN_UP",
    "Asked",
    "BackgroundDelivery",
    "CatalogMails",
    "Checked",
    "Delivery",
    "DynamoDBTokens",
    "Limit",
    "Limits",
    "MemoryTokens",
    "Outcome",
    "PageTemplates",
    "Pages",
    "Purpose",
    "Throttle",
    "Token",
    "TokenEvent",
    "TokenStore",
    "Verification",
    "VerificationKeys",
    "VerificationMails",
    "WebAnswer",
    "WebRequest",
    "chance_of_guessing",
    "client_key",
    "new_browser_secret",
    "new_key",
    "verification_routes",
    "verification_urls",
]

_HOME = {
    "CHANGE_ADDRESS": "verification.policy",
    "RESET_PASSWORD": "verification.policy",
    "SIGN_IN": "verification.policy",
    "SIGN_UP": "verification.policy",
    "Asked": "verification.results",
    "BackgroundDelivery": "verification.delivery",
    "CatalogMails": "verification.mails",
    "Checked": "verification.results",
    "Delivery": "verification.delivery",
    "DynamoDBTokens": "stores.dynamodb.tokens",
    "Limit": "stores.tokens",
    "Limits": "verification.policy",
    "MemoryTokens": "stores.memory_tokens",
    "Outcome": "verification.results",
    "PageTemplates": "verification.web.templates",
    "Pages": "verification.web.pages",
    "Purpose": "verification.policy",
    "Throttle": "verification.throttle",
    "Token": "stores.tokens",
    "TokenEvent": "stores.tokens",
    "TokenStore": "stores.tokens",
    "Verification": "verification.service",
    "VerificationKeys": "verification.keys",
    "VerificationMails": "verification.mails",
    "WebAnswer": "verification.web.pages",
    "WebRequest": "verification.web.pages",
    "chance_of_guessing": "verification.policy",
    "client_key": "verification.clients",
    "new_browser_secret": "verification.service",
    "new_key": "secret_keys",
    "verification_routes": "verification.web.routes",
    "verification_urls": "verification.web.django_urls",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"mailer.{_HOME[name]}"), name)
    globals()[name] = value
    return value
