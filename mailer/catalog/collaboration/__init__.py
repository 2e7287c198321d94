"""Internal: templates for people who work together."""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from mailer.catalog.base import Excerpt, PersonName, PersonTemplate, Ready, Title
from mailer.templates.fields import Fields
from mailer.templates.secret import SecretUrl
from mailer.templates.url import Url

_INVITATION: Mapping[str, object] = {
    "inviter": "Grace",
    "group": "Compilers",
    "accept_url": "https://app.example.com/invitation/4cBq",
    "decline_url": "https://app.example.com/invitation/4cBq/decline",
    "expires_on": "2026-03-23",
}
_SETTINGS = "https://app.example.com/notifications"


class Invitation(Ready):
    """An invitation to a family, a team or a workspace.

    It goes to whatever address somebody enters, so a name that is not safe to show is left out.
    """

    subject: ClassVar[str] = (
        "{% if not inviter %}{% trans %}You are invited to {{ brand }}{% endtrans %}"
        "{% else %}{% trans inviter=inviter|truncate(20, true), group=group|truncate(24, true) %}"
        "{{ inviter }} invites you to {{ group }}{% endtrans %}{% endif %}"
    )
    preheader: ClassVar[str] = "{% trans %}Accept or decline: it takes one click.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {**_INVITATION, "kind": "team"}

    inviter: PersonName = ""
    group: PersonName = ""
    kind: Literal["family", "team", "workspace"] = "team"
    accept_url: SecretUrl
    decline_url: SecretUrl
    expires_on: date


class InvitationReminder(Ready):
    """Reminds somebody of an invitation that was not answered."""

    subject: ClassVar[str] = "{% trans %}Your invitation to {{ brand }} is still open{% endtrans %}"
    preheader: ClassVar[str] = "{% trans day=expires_on|date %}It is valid until {{ day }}.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = _INVITATION

    inviter: PersonName = ""
    group: PersonName = ""
    accept_url: SecretUrl
    decline_url: SecretUrl
    expires_on: date


class CommentAdded(PersonTemplate):
    """Tells somebody about a comment, or that a comment mentions them."""

    subject: ClassVar[str] = (
        "{% if is_mention %}{% trans author=author|truncate(20, true), title=title|truncate(24, true) %}"
        "{{ author }} mentioned you in {{ title }}{% endtrans %}"
        "{% else %}{% trans author=author|truncate(20, true), title=title|truncate(24, true) %}"
        "{{ author }} commented on {{ title }}{% endtrans %}{% endif %}"
    )
    preheader: ClassVar[str] = "{{ comment|truncate(90) }}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "author": "Grace",
        "title": "Notes on the engine",
        "comment": "I like the second part.\nCould we add an example?",
        "is_mention": False,
        "comment_url": "https://app.example.com/notes/7#comment-3",
        "settings_url": _SETTINGS,
    }

    author: Title
    title: Title
    comment: Excerpt
    is_mention: bool = False
    comment_url: Url
    settings_url: Url | None = None


class DigestEntry(Fields):
    """An entry of a digest."""

    title: Title
    summary: Title = ""
    url: Url


class Digest(PersonTemplate):
    """What happened in some days, in one mail."""

    subject: ClassVar[str] = (
        "{% trans count=entries|length %}One new thing at {{ brand }}"
        "{% pluralize %}{{ count }} new things at {{ brand }}{% endtrans %}"
    )
    preheader: ClassVar[str] = "{{ entries[0].title }}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "since": "2026-03-02",
        "until": "2026-03-08",
        "entries": [
            {"title": "Notes on the engine", "summary": "Three new comments", "url": "https://app.example.com/notes/7"},
            {"title": "A table of numbers", "url": "https://app.example.com/notes/8"},
        ],
        "settings_url": _SETTINGS,
    }

    since: date
    until: date
    entries: tuple[DigestEntry, ...] = Field(min_length=1, max_length=50)
    settings_url: Url | None = None


class TaskReminder(PersonTemplate):
    """Reminds somebody of something that is due."""

    subject: ClassVar[str] = "{% trans title=title|truncate(50, true) %}Reminder: {{ title }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans due=due_at|datetime %}Due on {{ due }}.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "title": "Review the notes on the engine",
        "due_at": "2026-03-10T09:00:00Z",
        "task_url": "https://app.example.com/tasks/9",
        "settings_url": _SETTINGS,
    }

    title: Title
    due_at: AwareDatetime
    task_url: Url
    settings_url: Url | None = None
