"""What changes the status of a candidate, each with its mails in one transaction: a rollback sends nothing."""

from django.db import transaction
from django.utils import timezone

from mailer.catalog import SubmissionApproved, SubmissionReceived, SubmissionRejected, SubmissionToReview
from mailer.django import send

from .accounts import absolute
from .models import Candidate, User

# Days after which a decision is made, as the mail says.
REVIEW_DAYS = 3


@transaction.atomic
def submit(number: int) -> bool:
    """Submit a candidate for a decision; mail the candidate and every administrator.

    Returns:
        Whether this call did. Of two at the same time, one does.
    """
    candidate = Candidate.objects.select_for_update().get(pk=number)
    if not candidate.is_editable:
        return False
    candidate.status, candidate.submitted_at = Candidate.Status.PENDING, timezone.now()
    candidate.round += 1
    candidate.save()
    received = SubmissionReceived(
        name=candidate.user.first_name,
        title=candidate.title,
        review_days=REVIEW_DAYS,
        status_url=absolute("candidacy"),
    )
    send(received, to=candidate.user, idempotency_key=_key(candidate, "received"))
    # Each in a mail of their own and in their language: administrators need not know each other's addresses.
    for administrator in User.objects.administrators():
        send(_to_review(candidate), to=administrator, idempotency_key=_key(candidate, f"review-{administrator.pk}"))
    return True


def _to_review(candidate: Candidate) -> SubmissionToReview:
    assert candidate.submitted_at  # noqa: S101 - set by `submit`
    return SubmissionToReview(
        title=candidate.title,
        submitter=candidate.user.first_name,
        submitted_at=candidate.submitted_at,
        excerpt=candidate.statement,
        approve_url=absolute("approve", candidate.pk),
        reject_url=absolute("reject", candidate.pk),
        review_url=absolute("review", candidate.pk),
    )


def approve(number: int, by: User, seen: str) -> bool:
    """Approve the submission that was seen, and mail the candidate. As for `submit`, one of several calls does."""
    with transaction.atomic():
        candidate = _decided(number, by, seen, Candidate.Status.APPROVED)
        if candidate is None:
            return False
        mail = SubmissionApproved(
            name=candidate.user.first_name, title=candidate.title, public_url=absolute("public", candidate.pk)
        )
        send(mail, to=candidate.user, idempotency_key=_key(candidate, "approved"))
    return True


def reject(number: int, by: User, seen: str, notes: str) -> bool:
    """Reject the submission that was seen, and mail what to change. As for `submit`, one of several calls does."""
    with transaction.atomic():
        candidate = _decided(number, by, seen, Candidate.Status.REJECTED, notes)
        if candidate is None:
            return False
        mail = SubmissionRejected(
            name=candidate.user.first_name,
            title=candidate.title,
            reasons=tuple(notes.splitlines()),
            resubmit_url=absolute("step", 1),
        )
        send(mail, to=candidate.user, idempotency_key=_key(candidate, "rejected"))
    return True


def _decided(number: int, by: User, seen: str, status: Candidate.Status, notes: str = "") -> Candidate | None:
    candidate = Candidate.objects.select_for_update().get(pk=number)
    # An old page may show an earlier round: nobody decides on what they have not read.
    if candidate.status != Candidate.Status.PENDING.value or str(candidate.round) != seen:
        return None
    candidate.status, candidate.notes = status, notes
    candidate.decided_by, candidate.decided_at = by, timezone.now()
    candidate.save()
    return candidate


def _key(candidate: Candidate, what: str) -> str:
    """Names a mail of one submission: a request that is repeated sends it once."""
    return f"candidate-{candidate.pk}-{candidate.round}-{what}"
