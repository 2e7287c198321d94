"""The metrics as a view: Django's users and permissions in place of keys.

Reading takes the permissions of the admin to view suppressions and the message log; a removal takes the permission to
delete suppressions, and Django's CSRF token.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.views import redirect_to_login
from django.db import transaction

from mailer.django.views import respond
from mailer.webhooks.metrics import PATH

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

_READ = ("mailstack.view_suppression", "mailstack.view_logentry")
_REMOVE = ("mailstack.delete_suppression",)


@transaction.non_atomic_requests
def serve_metrics(request: "HttpRequest", endpoint: str, page: str = "", token: str = "") -> "HttpResponseBase":
    """Answer with the page, its numbers, or what became of a removal.

    A visitor who is not logged in is sent to the login page, which comes back here. Others without the permissions get
    403.
    """
    from mailer.django.feedback import endpoints

    holder = _holder(request)
    user: Any = getattr(request, "user", None)
    if endpoint == PATH and not page and user is not None and not user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    found = endpoints().get(f"{endpoint}/{page}" if page else endpoint)
    return respond(request, found, token, holder)


def _holder(request: "HttpRequest") -> tuple[str, bool] | None:
    """Who asks, and whether they may remove; None for those who may not read."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.has_perms(_READ):
        return None
    return f"{user.get_username()} in Django", bool(user.has_perms(_REMOVE))
