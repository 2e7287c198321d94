"""Accounts and candidates in Django's admin, to look at. Decisions are made on the pages, which send the mails."""

from django.contrib import admin
from django.http import HttpRequest

from .models import Candidate, User


class LookAdmin(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument] - not generic when Django runs
    """Nothing is changed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's
        """Never."""
        return False


@admin.register(User)
class UserAdmin(LookAdmin):
    """Accounts. One that is deleted takes its candidate along."""

    list_display = ("email", "first_name", "language", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff", "language")
    search_fields = ("email",)
    exclude = ("password",)


@admin.register(Candidate)
class CandidateAdmin(LookAdmin):
    """Candidates."""

    list_display = ("full_name", "office", "district", "status", "submitted_at", "decided_by")
    list_filter = ("status",)
    search_fields = ("full_name",)
