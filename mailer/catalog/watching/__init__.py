"""Internal: templates for what somebody watches: an item, or the service itself."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import AwareDatetime

from mailer.catalog.base import Excerpt, PersonTemplate, Ready, Title
from mailer.templates.url import Url

_WHEN = "2026-03-09T14:05:00Z"
_STATUS = "https://status.example.com/"


class StatusChanged(PersonTemplate):
    """The status of a watched item changed, for example from BUY to SELL."""

    subject: ClassVar[str] = (
        "{% trans item=item|truncate(30, true), old=old_status|truncate(16, true), new=new_status|truncate(16, true) %}"
        "{{ item }}: {{ old }} → {{ new }}{% endtrans %}"
    )
    preheader: ClassVar[str] = "{% trans %}The status of an item that you watch has changed.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "item": "EXMPL",
        "old_status": "BUY",
        "new_status": "SELL",
        "changed_at": _WHEN,
        "reason": "The price has passed the target.",
        "item_url": "https://app.example.com/items/EXMPL",
        "settings_url": "https://app.example.com/notifications",
    }

    item: Title
    old_status: Title
    new_status: Title
    changed_at: AwareDatetime
    reason: Excerpt = ""
    item_url: Url
    settings_url: Url | None = None


class Incident(Ready):
    """An incident of the service, from its beginning to its end."""

    subject: ClassVar[str] = (
        "{% if state == 'resolved' %}{% trans title=title|truncate(50) %}Resolved: {{ title }}{% endtrans %}"
        "{% elif state == 'monitoring' %}{% trans title=title|truncate(50) %}Monitoring: {{ title }}{% endtrans %}"
        "{% elif state == 'identified' %}{% trans title=title|truncate(50) %}Identified: {{ title }}{% endtrans %}"
        "{% else %}{% trans title=title|truncate(50) %}Investigating: {{ title }}{% endtrans %}{% endif %}"
    )
    preheader: ClassVar[str] = "{{ update|truncate(90) }}"
    sample: ClassVar[Mapping[str, object]] = {
        "title": "Sign-in is slow",
        "state": "identified",
        "update": "A database is overloaded. We are adding capacity.",
        "started_at": _WHEN,
        "affected": "Sign-in",
        "status_url": _STATUS,
        "settings_url": "https://status.example.com/notifications",
    }

    title: Title
    state: Literal["investigating", "identified", "monitoring", "resolved"]
    update: Excerpt
    started_at: AwareDatetime
    resolved_at: AwareDatetime | None = None
    affected: Title = ""
    status_url: Url
    settings_url: Url | None = None


class Maintenance(Ready):
    """Announces maintenance."""

    subject: ClassVar[str] = "{% trans day=starts_at|date %}{{ brand }}: maintenance on {{ day }}{% endtrans %}"
    preheader: ClassVar[str] = "{{ summary|truncate(90) }}"
    sample: ClassVar[Mapping[str, object]] = {
        "starts_at": "2026-03-14T02:00:00Z",
        "ends_at": "2026-03-14T04:00:00Z",
        "summary": "We are moving to a larger database. Signing in will not be possible for some minutes.",
        "affected": "Sign-in",
        "status_url": _STATUS,
        "settings_url": "https://status.example.com/notifications",
    }

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    summary: Excerpt
    affected: Title = ""
    status_url: Url
    settings_url: Url | None = None
