"""Internal: templates for what users submit and people review."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from mailer.catalog.base import Excerpt, PersonTemplate, Ready, Title
from mailer.templates.secret import SecretUrl
from mailer.templates.url import Url

_TITLE = "Notes on the engine"
_URL = "https://app.example.com/submissions/7"


class SubmissionReceived(PersonTemplate):
    """Confirms a submission, and says what happens next."""

    subject: ClassVar[str] = "{% trans title=title|truncate(40, true) %}We have received {{ title }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}What happens next.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {"name": "Ada", "title": _TITLE, "review_days": 3, "status_url": _URL}

    title: Title
    review_days: Annotated[int, Field(ge=1, le=90)] = 3
    status_url: Url


class SubmissionToReview(Ready):
    """Asks administrators for a decision. The links act, so they are secrets: ask for confirmation behind them."""

    subject: ClassVar[str] = "{% trans title=title|truncate(40, true) %}To review: {{ title }}{% endtrans %}"
    preheader: ClassVar[str] = "{{ excerpt|truncate(90) }}"
    sample: ClassVar[Mapping[str, object]] = {
        "title": _TITLE,
        "submitter": "Ada",
        "submitted_at": "2026-03-09T14:05:00Z",
        "excerpt": "The engine weaves algebraic patterns.\nJust as the loom weaves flowers and leaves.",
        "approve_url": "https://app.example.com/review/7/approve",
        "reject_url": "https://app.example.com/review/7/reject",
        "review_url": "https://app.example.com/review/7",
    }

    title: Title
    submitter: Title
    submitted_at: AwareDatetime
    excerpt: Excerpt = ""
    approve_url: SecretUrl
    reject_url: SecretUrl
    review_url: Url


class SubmissionApproved(PersonTemplate):
    """Tells somebody that their submission was approved."""

    subject: ClassVar[str] = "{% trans title=title|truncate(40, true) %}Approved: {{ title }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}Everybody can see it now.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "title": _TITLE,
        "public_url": "https://example.com/notes/7",
    }

    title: Title
    public_url: Url


class SubmissionRejected(PersonTemplate):
    """Tells somebody why their submission was not approved, and how to submit it again."""

    subject: ClassVar[str] = "{% trans title=title|truncate(40, true) %}Please revise: {{ title }}{% endtrans %}"
    preheader: ClassVar[str] = "{% trans %}What to change, and how to submit it again.{% endtrans %}"
    sample: ClassVar[Mapping[str, object]] = {
        "name": "Ada",
        "title": _TITLE,
        "reasons": ["The second figure has no source.", "The title is longer than 40 characters."],
        "resubmit_url": _URL,
        "guidelines_url": "https://example.com/guidelines",
    }

    title: Title
    reasons: tuple[Excerpt, ...] = Field(min_length=1, max_length=20)
    resubmit_url: Url
    guidelines_url: Url | None = None
