"""Watched items: people watch them, and hear when an administrator changes the status."""

from typing import TYPE_CHECKING, cast

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from . import mails
from .models import Item

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse


@login_required
@require_GET
def listed(request: "HttpRequest") -> "HttpResponse":
    """All items."""
    watched = set(Item.objects.filter(watchers=cast("User", request.user)).values_list("pk", flat=True))
    items = [(item, item.pk in watched) for item in Item.objects.all()]
    return render(request, "subscriptions/items.html", {"items": items})


@login_required
@require_http_methods(["GET", "POST"])
def watch(request: "HttpRequest", symbol: str) -> "HttpResponse":
    """Begin to watch an item, or end it. Who had to sign in again for it comes back with GET, and sees the list."""
    if request.method == "GET":
        return redirect("items")
    item, user = get_object_or_404(Item, pk=symbol), cast("User", request.user)
    if "watch" in request.POST:
        item.watchers.add(user)
    else:
        item.watchers.remove(user)
    return redirect("items")


@transaction.atomic
def save(item: Item) -> int:
    """Save an item, and tell those who watch it if its status is another one.

    Returns:
        How many mails were written.
    """
    before = Item.objects.select_for_update().filter(pk=item.pk).values_list("status", flat=True).first()
    item.save()
    if before is None or before == item.status:
        return 0
    watchers = item.watchers.filter(is_active=True).iterator(chunk_size=500)
    return sum(mails.status_changed(user, item, before) for user in watchers)
