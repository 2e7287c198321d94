"""The pages of administrators. A link in a mail shows a page; a button on it decides."""

from django.contrib import messages
from django.contrib.auth.decorators import user_passes_test
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from . import decisions
from .forms import RejectForm
from .models import Candidate, User


def _is_administrator(user: object) -> bool:
    return isinstance(user, User) and user.is_staff


# Anybody else signs in first: `sign_in.html` says why to somebody who is signed in already.
administrators_only = user_passes_test(_is_administrator)


@administrators_only
def waiting(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, oldest first."""
    found = Candidate.objects.filter(status=Candidate.Status.PENDING).order_by("submitted_at")
    return render(request, "waiting.html", {"candidates": found})


@administrators_only
def review(request: HttpRequest, number: int, focus: str = "") -> HttpResponse:
    """A submission with both buttons. `focus` is the one that the mail's link meant."""
    candidate = get_object_or_404(Candidate, pk=number)
    return _page(request, candidate, RejectForm(), focus, 200)


@administrators_only
def approve(request: HttpRequest, number: int) -> HttpResponse:
    """Show the page; with POST, approve."""
    if request.method != "POST":
        return review(request, number, "approve")
    candidate = get_object_or_404(Candidate, pk=number)
    return _decided(request, decisions.approve(candidate.pk, _by(request), _seen(request)))


@administrators_only
def reject(request: HttpRequest, number: int) -> HttpResponse:
    """Show the page; with POST, reject."""
    if request.method != "POST":
        return review(request, number, "reject")
    candidate, form = get_object_or_404(Candidate, pk=number), RejectForm(request.POST)
    if not form.is_valid():
        return _page(request, candidate, form, "reject", 422)
    notes = form.cleaned_data["notes"]
    return _decided(request, decisions.reject(candidate.pk, _by(request), _seen(request), notes))


def _page(request: HttpRequest, candidate: Candidate, form: RejectForm, focus: str, status: int) -> HttpResponse:
    return render(request, "review.html", {"candidate": candidate, "form": form, "focus": focus}, status=status)


def _decided(request: HttpRequest, is_done: bool) -> HttpResponse:
    if is_done:
        messages.success(request, _("Your decision was sent to the candidate."))
    else:
        messages.warning(request, _("Somebody has decided already."))
    return HttpResponseRedirect(reverse("waiting"))


def _by(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - login_required
    return request.user


def _seen(request: HttpRequest) -> str:
    """Which round of the candidate the page showed."""
    return str(request.POST.get("round", ""))
