"""Django's admin: suppressions, message log, outbox, verification tokens, where they are in Django's database.

Whatever is written goes through the stores, with the name of the administrator.
"""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from mailer.address import Address
from mailer.django.config import DJANGO_STORE, config
from mailer.django.models import LogEntry, OutboxMail, Suppression, TokenEvent, VerificationToken
from mailer.django.process import stores_of
from mailer.errors import InvalidAddress, MailerError
from mailer.feedback.wording import describe
from mailer.stores.base import ALL, REASONS, PutOutcome, Reason, check_scope
from mailer.stores.base import Suppression as Listed

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from sqlalchemy.engine import Row

    from mailer.stores.sql.stores import SqlStores

    AnyRow = Row[tuple[object, ...]]

_ERASED = _("erased")
# Mails that a search by address finds.
_FOUND = 500
_REFUSED = {
    PutOutcome.OUTRANKED: _("The address has a suppression that this one does not replace."),
    PutOutcome.REMOVED_SINCE: _("The address was removed from the list after this event."),
}


def _stores() -> "SqlStores":
    return stores_of(config())


def _actor(request: "HttpRequest") -> str:
    return f"{request.user.get_username()} in the admin"


def _row(found: Suppression | LogEntry | TokenEvent | VerificationToken) -> "AnyRow":
    """A model as the stores take a row: it has the same columns."""
    return cast("AnyRow", cast("object", found))


class SuppressionForm(forms.ModelForm):  # pyright: ignore[reportMissingTypeArgument] - not generic when Django runs
    """A new suppression."""

    address = forms.EmailField(help_text=_("The address that gets no more mail."))
    reason = forms.ChoiceField(choices=[(one, one) for one in REASONS], initial="manual")
    scope = forms.CharField(required=False, initial=ALL, help_text=_("stream:NAME or tenant:NAME; empty for all mail."))
    detail = forms.CharField(required=False, help_text=_("Why, for those who read it later."))
    expires_at = forms.SplitDateTimeField(required=False, widget=AdminSplitDateTime)

    class Meta:
        """The fields that a person fills in."""

        model = Suppression
        fields = ("address", "reason", "scope", "detail", "expires_at")

    def clean_address(self) -> str:
        """The address as the list keeps it."""
        try:
            return Address.parse(cast("str", self.cleaned_data["address"])).key
        except InvalidAddress as error:
            raise ValidationError(str(error)) from error

    def clean_scope(self) -> str:
        """A scope that exists."""
        scope = cast("str", self.cleaned_data["scope"])
        try:
            check_scope(scope)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return scope


class SuppressionAdmin(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument]
    """The suppression list: search by address, add, remove, history."""

    form = SuppressionForm
    list_display = ("shown", "scope", "reason", "created_at", "expires_at", "actor")
    list_filter = ("reason", "scope")
    search_fields = ("address",)
    search_help_text = _("A whole address.")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    show_full_result_count = False

    def get_queryset(self, request: "HttpRequest") -> "QuerySet[Suppression]":
        """Suppressions; rows that remember a removal are left out."""
        return Suppression.objects.filter(reason__isnull=False)

    def get_search_results(
        self, request: "HttpRequest", queryset: "QuerySet[Suppression]", search_term: str
    ) -> "tuple[QuerySet[Suppression], bool]":
        """The rows of an address. Addresses may be encrypted, so parts of one cannot be searched."""
        if not search_term:
            return queryset, False
        return queryset.filter(lookup__in=_stores().lookups(search_term)), False

    def get_fields(self, request: "HttpRequest", obj: Suppression | None = None) -> list[str]:
        """What a person fills in; of a suppression that is there, everything."""
        if obj is None:
            return list(SuppressionForm.Meta.fields)
        return ["shown", "scope", "reason", "evidence", "created_at", "expires_at", "actor", "message_id", "history"]

    def get_readonly_fields(self, request: "HttpRequest", obj: Suppression | None = None) -> list[str]:
        """A suppression is added and removed, never changed."""
        return [] if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: "HttpRequest", obj: Suppression | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: "HttpRequest", obj: Suppression | None = None) -> bool:
        """Not of an erased address: only its hash is known."""
        return super().has_delete_permission(request, obj) and not (obj and obj.address is None)

    def save_model(self, request: "HttpRequest", obj: Suppression, form: Any, change: Any) -> None:
        """Put it on the list."""
        given = form.cleaned_data
        written = Listed(
            given["address"],
            cast("Reason", given["reason"]),
            detail=given["detail"],
            scope=given["scope"],
            expires_at=cast("datetime | None", given["expires_at"]),
            actor=_actor(request),
        )
        outcome = _stores().suppressions.put(written)
        if not outcome:
            messages.warning(request, _REFUSED[outcome])
        obj.pk = Suppression.objects.get(lookup__in=_stores().lookups(written.address), scope=written.scope).pk
        obj.refresh_from_db()

    def delete_model(self, request: "HttpRequest", obj: Suppression) -> None:
        """Remove it from the list; the store remembers that, for reports that arrive late."""
        if obj.address is not None:
            address = _stores().suppressions.row_address(_row(obj))
            _stores().suppressions.remove(address, scope=obj.scope, actor=_actor(request))

    def delete_queryset(self, request: "HttpRequest", queryset: "QuerySet[Suppression]") -> None:
        """Remove several."""
        for one in queryset:
            self.delete_model(request, one)

    @admin.display(description=_("address"))
    def shown(self, found: Suppression) -> str:
        """The address, decrypted."""
        return str(_ERASED) if found.address is None else _opened(found).address

    @admin.display(description=_("detail"))
    def evidence(self, found: Suppression) -> str:
        """The detail, decrypted."""
        return "" if found.address is None else _opened(found).detail

    @admin.display(description=_("history"))
    def history(self, found: Suppression) -> str:
        """What was done to the suppressions of the address, oldest first."""
        if found.address is None:
            return ""
        changes = _stores().suppressions.history(_opened(found).address)
        rows = ((f"{one.at:%Y-%m-%d %H:%M} UTC", one.action, one.reason, one.actor, one.detail) for one in changes)
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{} {} ({}) {} {}</li>", rows))


def _opened(found: Suppression) -> Listed:
    return _stores().suppressions.suppression(_row(found))


class LogEntryAdmin(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument]
    """The message log: each event, with the timeline of its message."""

    list_display = ("at", "kind", "shown", "template", "configuration_set", "category", "code")
    list_filter = ("kind", "configuration_set", "template")
    search_fields = ("recipient",)
    search_help_text = _("A whole address, or an id of a message.")
    date_hierarchy = "at"
    ordering = ("-at", "-row")
    show_full_result_count = False
    fields = readonly_fields = ("shown", "kind", "at", "what", "id", "message_id", "template", "tags", "timeline")

    def get_search_results(
        self, request: "HttpRequest", queryset: "QuerySet[LogEntry]", search_term: str
    ) -> "tuple[QuerySet[LogEntry], bool]":
        """The entries of an address, or of a message by one of its ids."""
        if "@" in search_term:
            return queryset.filter(lookup__in=_stores().lookups(search_term)), False
        if search_term:
            return queryset.filter(ref=search_term) | queryset.filter(message_id=search_term), False
        return queryset, False

    def has_add_permission(self, request: "HttpRequest") -> bool:
        """Never: it is a log."""
        return False

    def has_change_permission(self, request: "HttpRequest", obj: LogEntry | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: "HttpRequest", obj: LogEntry | None = None) -> bool:
        """Never: `mailer_cleanup` deletes what has expired."""
        return False

    @admin.display(description=_("recipient"))
    def shown(self, found: LogEntry) -> str:
        """The recipient, decrypted."""
        return _stores().log.entry(_row(found)).recipient

    @admin.display(description=_("what happened"))
    def what(self, found: LogEntry) -> str:
        """The event in words."""
        return describe(_stores().log.entry(_row(found)))

    @admin.display(description=_("timeline"))
    def timeline(self, found: LogEntry) -> str:
        """What became of the message for each recipient."""
        entries = _stores().log.of_message(found.ref)
        rows = ((f"{one.at:%Y-%m-%d %H:%M:%S} UTC", one.recipient, describe(one)) for one in entries)
        return format_html('<ol class="timeline">{}</ol>', format_html_join("", "<li>{} {}: {}</li>", rows))


class OutboxAdmin(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument]
    """The outbox: what waits and what failed, to be sent again or cancelled. Contents and recipients are not shown."""

    list_display = ("id", "status", "stream", "created_at", "send_at", "attempts", "reason")
    list_filter = ("status", "stream")
    search_fields = ("id",)
    search_help_text = _("An id, or a whole address, as long as the mail may still be sent.")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    actions = ("send_again", "cancel")
    fields = readonly_fields = (
        "id",
        "status",
        "reason",
        "stream",
        "created_at",
        "send_at",
        "expires_at",
        "changed_at",
        "attempts",
        "attempt_id",
        "message_id",
        "claimed_by",
    )

    def get_search_results(
        self, request: "HttpRequest", queryset: "QuerySet[OutboxMail]", search_term: str
    ) -> "tuple[QuerySet[OutboxMail], bool]":
        """The mails to an address, or the mail with an id."""
        if not search_term:
            return queryset, False
        found = _stores().outbox.find(address=search_term, limit=_FOUND) if "@" in search_term else []
        return queryset.filter(pk__in=[one.id for one in found] or [search_term]), False

    def has_add_permission(self, request: "HttpRequest") -> bool:
        """Never: mail is written by the code that sends it."""
        return False

    def has_change_permission(self, request: "HttpRequest", obj: OutboxMail | None = None) -> bool:
        """Never; see `has_decide_permission`."""
        return False

    def has_delete_permission(self, request: "HttpRequest", obj: OutboxMail | None = None) -> bool:
        """Never: the relay deletes what has ended."""
        return False

    def has_decide_permission(self, request: "HttpRequest") -> bool:
        """Whether somebody may send again and cancel: who has the permission to change."""
        return super().has_change_permission(request)

    @admin.action(description=_("Send again: dead and expired mails"), permissions=["decide"])
    def send_again(self, request: "HttpRequest", queryset: "QuerySet[OutboxMail]") -> None:
        """Have the relay try them again."""
        ids = _ids(queryset)
        count = _stores().outbox.retry(*ids) if ids else 0  # without ids, it would be all
        messages.info(request, _("%d mails will be tried again.") % count)

    @admin.action(description=_("Cancel: mails that no relay has claimed"), permissions=["decide"])
    def cancel(self, request: "HttpRequest", queryset: "QuerySet[OutboxMail]") -> None:
        """Cancel them."""
        count = _stores().outbox.cancel(*_ids(queryset), reason="cancelled in the admin")
        messages.info(request, _("%d mails were cancelled.") % count)


def _ids(queryset: "QuerySet[OutboxMail]") -> list[str]:
    return [str(one.pk) for one in queryset]


class ReadOnlyAdmin(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument]
    """What people look at, and nobody writes."""

    search_fields = ("address",)
    search_help_text = _("A whole address, or a serial.")
    show_full_result_count = False

    def get_search_results(
        self, request: "HttpRequest", queryset: "QuerySet[Any]", search_term: str
    ) -> "tuple[QuerySet[Any], bool]":
        """The rows of an address, or of a token."""
        if "@" in search_term:
            return queryset.filter(lookup__in=_stores().lookups(search_term)), False
        return (queryset.filter(serial=search_term) if search_term else queryset), False

    def has_add_permission(self, request: "HttpRequest") -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: "HttpRequest", obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: "HttpRequest", obj: Any = None) -> bool:
        """Never: `mailer_cleanup` deletes what has expired."""
        return False


class TokenAdmin(ReadOnlyAdmin):
    """Codes and links that were sent and have not expired for long. Their hashes are not shown."""

    list_display = ("issued_at", "purpose", "kind", "shown", "bound_to", "expires_at", "used_at", "attempts")
    list_filter = ("purpose", "kind", ("used_at", admin.EmptyFieldListFilter))
    date_hierarchy = "issued_at"
    ordering = ("-issued_at", "-id")
    fields = readonly_fields = (
        "shown",
        "bound_to",
        "purpose",
        "kind",
        "serial",
        "issued_at",
        "expires_at",
        "used_at",
        "used_by",
        "attempts",
    )

    @admin.display(description=_("address"))
    def shown(self, found: VerificationToken) -> str:
        """The address, decrypted."""
        return _stores().tokens.token(_row(found)).address

    @admin.display(description=_("account"))
    def bound_to(self, found: VerificationToken) -> str:
        """The account, decrypted."""
        return _stores().tokens.token(_row(found)).account


class TokenEventAdmin(ReadOnlyAdmin):
    """The audit of codes and links: issued, used, failed."""

    list_display = ("at", "action", "purpose", "kind", "shown", "bound_to", "detail")
    list_filter = ("action", "purpose", "kind")
    date_hierarchy = "at"
    ordering = ("-at", "-id")
    fields = readonly_fields = ("at", "action", "purpose", "kind", "shown", "bound_to", "serial", "detail")

    @admin.display(description=_("address"))
    def shown(self, found: TokenEvent) -> str:
        """The address, decrypted."""
        return _stores().tokens.event(_row(found)).address

    @admin.display(description=_("account"))
    def bound_to(self, found: TokenEvent) -> str:
        """The account, decrypted."""
        return _stores().tokens.event(_row(found)).account


def register(site: admin.AdminSite) -> None:
    """Register with a site, where the setting says that the tables are in use."""
    try:
        found = config()
    except MailerError:  # `manage.py check` reports it
        return
    if found.store == DJANGO_STORE:
        site.register(Suppression, SuppressionAdmin)
        site.register(LogEntry, LogEntryAdmin)
        site.register(OutboxMail, OutboxAdmin)
        site.register(VerificationToken, TokenAdmin)
        site.register(TokenEvent, TokenEventAdmin)


register(admin.site)
