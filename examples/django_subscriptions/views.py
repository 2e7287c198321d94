"""The pages of accounts. GET changes nothing."""

import time
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.views import csrf
from django.views.decorators.http import require_GET, require_http_methods

from . import mails
from .forms import ChangePasswordForm, DeleteForm, ForgottenNameForm, NewPasswordForm, RegisterForm, ResetForm
from .models import Item, Subscription
from .payments import samples
from .throttle import may_send

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_FOLDER = "subscriptions"
_TOO_MANY = "Too many mails were asked for. Try again in an hour."


@require_GET
def home(request: "HttpRequest") -> "HttpResponse":
    """What this is."""
    return render(request, f"{_FOLDER}/home.html")


@require_http_methods(["GET", "POST"])
def register(request: "HttpRequest") -> "HttpResponse":
    """Create an account, and sign in. The form may arrive twice, as after a double click: that is one account."""
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and (user := _created(request, form) or form.registered_before(request)):
        login(request, user)
        return redirect("account")
    return render(request, f"{_FOLDER}/form.html", {"form": form, "title": "Register", "button": "Register"})


def _created(request: "HttpRequest", form: RegisterForm) -> User | None:
    if not form.is_valid():
        return None
    if not may_send(request, str(form.cleaned_data["email"])):
        form.add_error(None, _TOO_MANY)
        return None
    try:
        return form.save()
    except IntegrityError:  # another request has created an account of this name since the form was checked
        form.add_error("username", form.instance.unique_error_message(User, ("username",)))
        return None


def csrf_failure(request: "HttpRequest", reason: str = "") -> "HttpResponse":
    """Refuse a form whose token is wrong, which is so for a second click, too: the first one has signed in.

    That one goes on to the account, as the first does. Nothing is changed.
    """
    if request.user.is_authenticated and request.path in {reverse("register"), reverse("login")}:
        return redirect("account")
    return csrf.csrf_failure(request, reason)


@login_required
@require_GET
def account(request: "HttpRequest") -> "HttpResponse":
    """The account: subscription, watched items, password, deletion."""
    user = cast("User", request.user)
    values = {
        "subscription": Subscription.objects.filter(user=user).first(),
        "watched": Item.objects.filter(watchers=user),
        "has_test_events": settings.PAYMENT_TEST_EVENTS,
    }
    return render(request, f"{_FOLDER}/account.html", values)


@login_required
@require_http_methods(["GET", "POST"])
def delete_account(request: "HttpRequest") -> "HttpResponse":
    """Delete the account, when nothing will be charged any more."""
    user = cast("User", request.user)
    subscription = Subscription.objects.filter(user=user).first()
    if subscription is not None and subscription.renews:
        messages.error(request, "Cancel your subscription first: it would be charged without an account.")
        return redirect("account")
    form = DeleteForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            mails.account_deleted(user)
            user.delete()
        logout(request)
        messages.success(request, "Your account was deleted.")
        return redirect("home")
    values = {"form": form, "title": "Delete your account", "button": "Delete the account", "is_danger": True}
    return render(request, f"{_FOLDER}/form.html", {**values, "intro": "This cannot be undone."})


@require_http_methods(["GET", "POST"])
def forgot_username(request: "HttpRequest") -> "HttpResponse":
    """Send the user names of an address. The answer is the same for every address."""
    form = ForgottenNameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["email"]
        users = list(User.objects.filter(email__iexact=address, is_active=True).order_by("username"))
        if may_send(request, address) and users:
            mails.username_reminder(users)
        return redirect("forgot_username_done")
    values = {"form": form, "title": "Forgotten user name", "button": "Send my user name"}
    return render(request, f"{_FOLDER}/form.html", values)


@require_GET
def sent(request: "HttpRequest") -> "HttpResponse":
    """A mail may be on its way."""
    return render(request, f"{_FOLDER}/sent.html")


class ChangePassword(views.PasswordChangeView):
    """Change the password; the form sends the mail."""

    form_class = ChangePasswordForm
    template_name = f"{_FOLDER}/form.html"
    extra_context = {"title": "Change your password", "button": "Change the password"}  # noqa: RUF012 - as in Django
    success_url = reverse_lazy("account")

    def form_valid(self, form: Any) -> "HttpResponse":
        """Say so on the next page."""
        messages.success(self.request, "Your password was changed.")
        return super().form_valid(form)


class ResetPassword(views.PasswordResetView):
    """Ask for a link. The answer is the same for every address."""

    form_class = ResetForm
    template_name = f"{_FOLDER}/form.html"
    extra_context = {"title": "Forgotten password", "button": "Send a link"}  # noqa: RUF012
    success_url = reverse_lazy("password_reset_done")

    def form_valid(self, form: Any) -> "HttpResponse":
        """Send it, within the limits."""
        if not may_send(self.request, form.cleaned_data["email"]):
            return redirect("password_reset_done")
        return super().form_valid(form)


class ConfirmReset(views.PasswordResetConfirmView):
    """Choose the new password; the form sends the mail that says so."""

    form_class = NewPasswordForm
    template_name = f"{_FOLDER}/reset.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> "HttpResponse":
        """Say so on the next page."""
        messages.success(self.request, "Your password was changed. Sign in with the new one.")
        return super().form_valid(form)


@login_required
@require_http_methods(["GET", "POST"])
def test_events(request: "HttpRequest") -> "HttpResponse":
    """Have the webhook get a test event about oneself, over HTTP and signed. Not in production."""
    if request.method == "POST" and (name := request.POST.get("event", "")) in samples.NAMES:
        now = int(time.time())
        event = samples.sample(name, user=cast("int", request.user.pk), now=now)
        url, secret = mails.page("payment_webhook"), settings.PAYMENT_WEBHOOK_SECRETS[0]
        status = samples.deliver(event, url, secret, now=now)
        messages.info(request, f"{event['type']}: the webhook answered {status or 'nothing'}.")
        return redirect("test_events")
    return render(request, f"{_FOLDER}/test_events.html", {"names": samples.NAMES})
