"""Accounts: sign-up, verification by link, a new link, password reset. No page reveals who has an account."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from mailer.catalog import AccountExists, PasswordChanged, PasswordReset, Welcome
from mailer.django import SignUpThrottle, get_verification, send, send_verification
from mailer.verification import RESET_PASSWORD, SIGN_UP, Outcome

from .forms import AddressForm, SignUpForm
from .models import User

if TYPE_CHECKING:
    from mailer.verification import Asked, Checked, Purpose

SESSION_BACKEND = "django.contrib.auth.backends.ModelBackend"
_STATUS = {Outcome.READY: 200, Outcome.REPEATED: 200, Outcome.EXPIRED: 410, Outcome.UNKNOWN: 404}


def client_of(request: HttpRequest) -> str:
    """The address of the client: of the header that the proxy writes, if there is one."""
    header = settings.CLIENT_HEADER
    return request.headers.get(header, "") if header else str(request.META["REMOTE_ADDR"])


throttle = SignUpThrottle(client_of=client_of)


def absolute(name: str, *arguments: object) -> str:
    """The address of a page, for a mail. It does not come from the request, whose headers an attacker may write."""
    return f"{settings.SITE_URL}{reverse(name, args=arguments)}"


def sign_up(request: HttpRequest) -> HttpResponse:
    """Create an account that is not active, and send the link that makes it active."""
    form = SignUpForm(request.POST or None)
    if not form.is_valid():
        return render(request, "form.html", {"form": form, "page": "sign-up"}, status=422 if form.is_bound else 200)
    email = form.cleaned_data["email"].lower()
    asked = throttle.take(request, email)
    if asked.ok:
        with transaction.atomic():
            asked = send_verification(
                _signed_up(email, form.cleaned_data["name"]),
                client=client_of(request),
                ineligible_mail=AccountExists(sign_in_url=absolute("sign-in")),
            )
    return _answer(request, email, asked)


def _signed_up(email: str, name: str) -> User | str:
    """The account, which waits for its verification; the address alone if there is an active one."""
    user = User.objects.waiting(email)
    if user is None and User.objects.filter(email=email).exists():
        return email
    user = user or User.objects.create_user(email, is_active=False)
    user.first_name, user.language = name, get_language() or "en"
    user.save(update_fields=["first_name", "language"])
    return user


def resend(request: HttpRequest) -> HttpResponse:
    """Send a new link to somebody whose link expired or was lost."""
    form = AddressForm(request.POST or None)
    if not form.is_valid():
        return render(request, "form.html", {"form": form, "page": "resend"}, status=422 if form.is_bound else 200)
    email = form.cleaned_data["email"]
    asked = send_verification(User.objects.waiting(email) or email, client=client_of(request))
    return _answer(request, email, asked)


@sensitive_post_parameters()
@never_cache
def verify(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of a sign-up. A password is chosen, and the account becomes active."""
    checked = get_verification().look_at_link(SIGN_UP, token)
    user = User.objects.filter(pk=checked.account or None, is_active=False, last_login__isnull=True).first()
    if checked.outcome is not Outcome.READY or user is None:
        return _refused(request, "verify", checked)
    form = SetPasswordForm(user, request.POST or None)
    if not form.is_valid():
        return _private(render(request, "form.html", {"form": form, "page": "verify"}))
    with transaction.atomic():
        used = get_verification().use_link(SIGN_UP, token)
        if not used.ok:  # by another request meanwhile
            return _refused(request, "verify", used)
        user.is_active = True
        form.save()
        send(lambda: Welcome(name=user.first_name, dashboard_url=absolute("candidacy")), to=user)
    login(request, user, SESSION_BACKEND)
    return HttpResponseRedirect(reverse("candidacy"))


def forgot(request: HttpRequest) -> HttpResponse:
    """Send a link for a new password."""
    form = AddressForm(request.POST or None)
    if not form.is_valid():
        return render(request, "form.html", {"form": form, "page": "forgot"}, status=422 if form.is_bound else 200)
    email = form.cleaned_data["email"].lower()
    user = User.objects.filter(email=email, is_active=True).first()
    name = user.first_name if user else ""
    asked = send_verification(
        user or email,
        client=client_of(request),
        purpose=RESET_PASSWORD,
        url=f"{settings.SITE_URL}/reset/{{token}}",
        mail=lambda link: PasswordReset(name=name, reset_url=link, expires_in_minutes=_minutes(RESET_PASSWORD)),
    )
    return _answer(request, email, asked)


@sensitive_post_parameters()
@never_cache
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of a password reset, which works for 24 hours."""
    checked = get_verification().look_at_link(RESET_PASSWORD, token)
    user = User.objects.filter(pk=checked.account or None, is_active=True).first()
    if checked.outcome is not Outcome.READY or user is None:
        return _refused(request, "reset", checked)
    form = SetPasswordForm(user, request.POST or None)
    if not form.is_valid():
        return _private(render(request, "form.html", {"form": form, "page": "reset"}))
    with transaction.atomic():
        used = get_verification().use_link(RESET_PASSWORD, token)
        if not used.ok:
            return _refused(request, "reset", used)
        form.save()
        mail = PasswordChanged(name=user.first_name, changed_at=timezone.now(), security_url=absolute("forgot"))
        send(mail, to=user)
    return render(request, "done.html", {"page": "reset"})


def _minutes(purpose: "Purpose") -> int:
    return int(purpose.link_lifetime.total_seconds() // 60)


def _answer(request: HttpRequest, email: str, asked: "Asked") -> HttpResponse:
    """The same for every address; 429 if a limit is reached."""
    if asked.retry_at is None:
        return render(request, "asked.html", {"email": email})
    seconds = max(1, round((asked.retry_at - timezone.now()).total_seconds()))
    answer = render(request, "limited.html", {"minutes": -(-seconds // 60)}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def _refused(request: HttpRequest, page: str, checked: "Checked") -> HttpResponse:
    """A link that was used, is too old, or is none."""
    values = {"page": page, "outcome": checked.outcome.value}
    return _private(render(request, "link.html", values, status=_STATUS.get(checked.outcome, 404)))


def _private(answer: HttpResponse) -> HttpResponse:
    """The address of the page is a secret: no other site learns it."""
    answer["Referrer-Policy"] = "same-origin"
    return answer
