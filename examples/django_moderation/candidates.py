"""The pages of candidates: a list for everybody, and four steps to submit."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from .decisions import submit
from .forms import STEPS, SubmitForm
from .models import Candidate, User

LAST = len(STEPS) + 1


def home(request: HttpRequest) -> HttpResponse:
    """The candidates that were approved."""
    approved = Candidate.objects.filter(status=Candidate.Status.APPROVED).order_by("full_name")
    return render(request, "home.html", {"candidates": approved})


def public(request: HttpRequest, number: int) -> HttpResponse:
    """A candidate that was approved."""
    candidate = get_object_or_404(Candidate, pk=number, status=Candidate.Status.APPROVED)
    return render(request, "candidate.html", {"candidate": candidate})


@login_required
def candidacy(request: HttpRequest) -> HttpResponse:
    """Where one's own candidacy stands."""
    if _user(request).is_staff:
        return HttpResponseRedirect(reverse("waiting"))
    return render(request, "candidacy.html", {"candidate": _own(request)})


@login_required
def step(request: HttpRequest, number: int) -> HttpResponse:
    """One of the four steps. Each is saved, so that a person may go on another day."""
    if _user(request).is_staff:
        return HttpResponseRedirect(reverse("waiting"))
    candidate = _own(request)
    if not candidate.is_editable:
        return HttpResponseRedirect(reverse("candidacy"))
    missing = _first_missing(candidate)
    if number > missing:
        return HttpResponseRedirect(reverse("step", args=[missing]))
    if number == LAST:
        return _submit(request, candidate)
    form = STEPS[number - 1](request.POST or None, instance=candidate)
    if form.is_valid():
        form.save()
        return HttpResponseRedirect(reverse("step", args=[number + 1]))
    return _page(request, candidate, number, form, 422 if form.is_bound else 200)


def _submit(request: HttpRequest, candidate: Candidate) -> HttpResponse:
    form = SubmitForm(request.POST or None)
    if not form.is_valid():
        return _page(request, candidate, LAST, form, 422 if form.is_bound else 200)
    submit(candidate.pk)
    return HttpResponseRedirect(reverse("candidacy"))


def _page(request: HttpRequest, candidate: Candidate, number: int, form: object, status: int) -> HttpResponse:
    values = {"candidate": candidate, "form": form, "number": number, "last": LAST, "steps": range(1, LAST + 1)}
    return render(request, "step.html", values, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - login_required
    return request.user


def _own(request: HttpRequest) -> Candidate:
    return Candidate.objects.get_or_create(user=_user(request))[0]


def _first_missing(candidate: Candidate) -> int:
    """The first step with a field that is needed and empty; the last one if there is none."""
    for number, form in enumerate(STEPS, 1):
        fields = form(instance=candidate).fields
        if any(field.required and not getattr(candidate, name) for name, field in fields.items()):
            return number
    return LAST
