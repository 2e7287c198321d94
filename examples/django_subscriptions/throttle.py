"""How many mails an address gets, and a client asks for, in an hour: a form accepts any address."""

from typing import TYPE_CHECKING

from django.conf import settings

from mailer import InvalidAddress
from mailer.django import SignUpThrottle
from mailer.verification import Limit

if TYPE_CHECKING:
    from django.http import HttpRequest

# One for all forms: their mails go to the same inbox.
_THROTTLE = SignUpThrottle(name="mails of forms", per_client=Limit(settings.MAILS_PER_CLIENT))


def may_send(request: "HttpRequest", address: str) -> bool:
    """Whether a form may send one more mail to an address. It counts, so ask once, outside of a transaction.

    Behind a proxy, make the server correct the client's address; otherwise all people are one client.
    """
    try:
        return _THROTTLE.take(request, address).ok
    except InvalidAddress:  # `EmailField` accepts some that SES refuses
        return False
