"""What people do: start a family, invite, accept, decline, send the week's news. The caller commits.

Mails are written into the outbox by the same session, so that they leave if the session commits, and only then.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer import Address, Message
from mailer.catalog import Digest, DigestEntry, Invitation

from .database import Family, Invited, Member, State

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from mailer import Mailer

INVITATION_LIFETIME = timedelta(days=7)
# An invitation goes to any address that somebody enters, so there must be an end to it.
MAX_INVITATIONS = 10


class NotPossibleError(Exception):
    """What somebody asked for is not possible; the text is for people."""


def now() -> datetime:
    """The time in UTC, without a zone, as SQLite keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def hashed(token: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def start(session: "Session", email: str, *, name: str, family: str) -> None:
    """Start a family with its first member."""
    if session.get(Member, email) is not None:
        raise NotPossibleError("You have a family already.")
    session.add(Member(email=email, name=name, family=Family(name=family)))


def invite(session: "Session", mailer: "Mailer", inviter: Member, *, name: str, email: str, url: str) -> None:
    """Invite a parent: the row and the mail, in one transaction.

    Raises:
        NotPossibleError: The address is a member's, was invited before, or there are too many invitations.
        InvalidAddress: The address is not valid.
    """
    address, token = Address.parse(email), secrets.token_urlsafe(32)
    _check_invitation(session, inviter.family, address.key)
    expires_at = now() + INVITATION_LIFETIME
    invited = Invited(
        family=inviter.family,
        email=address.key,
        name=name,
        inviter=inviter.name,
        token_hash=hashed(token),
        expires_at=expires_at,
    )
    session.add(invited)
    session.flush()
    content = Invitation(
        inviter=inviter.name,
        group=inviter.family.name,
        kind="family",
        accept_url=f"{url}/invitation/{token}",
        decline_url=f"{url}/invitation/{token}#decline",
        expires_on=expires_at.date(),
    )
    mailer.enqueue(
        content,
        to=address.key,
        connection=session,
        idempotency_key=f"invitation-{invited.id}",
        expires_at=expires_at.replace(tzinfo=UTC),
    )


def _check_invitation(session: "Session", family: Family, email: str) -> None:
    if session.get(Member, email) is not None:
        raise NotPossibleError("This person has a family already.")
    if len(family.invitations) >= MAX_INVITATIONS:
        raise NotPossibleError(f"A family has {MAX_INVITATIONS} invitations at most.")
    if any(one.email == email for one in family.invitations):
        raise NotPossibleError("You have invited this address before.")


def find(session: "Session", token: str) -> Invited | None:
    """The invitation of a token that can still be answered."""
    found = session.scalars(select(Invited).where(Invited.token_hash == hashed(token))).one_or_none()
    return found if found and found.state is State.PENDING and found.expires_at > now() else None


def accept(session: "Session", mailer: "Mailer", invited: Invited, email: str) -> None:
    """Make the person who proved to read the address a member.

    Raises:
        NotPossibleError: The invitation is for another address.
    """
    if invited.email != email:
        raise NotPossibleError("This invitation is for another address. Open it again, and sign in with that one.")
    if session.get(Member, email) is not None:
        raise NotPossibleError("You have a family already.")
    _tell_members(session, mailer, invited, "accepted", f"{invited.name} has joined {invited.family.name}.")
    invited.state = State.ACCEPTED
    session.add(Member(email=email, name=invited.name, family=invited.family))


def decline(session: "Session", mailer: "Mailer", invited: Invited) -> None:
    """Decline an invitation. Anybody with the link can do so."""
    invited.state = State.DECLINED
    _tell_members(session, mailer, invited, "declined", f"{invited.name} has declined your invitation.")


def _tell_members(session: "Session", mailer: "Mailer", invited: Invited, answer: str, words: str) -> None:
    for member in invited.family.members:
        mailer.enqueue(
            # No name in the subject: a person types it, and the library refuses some characters there.
            Message(subject=f"Your invitation was {answer}", text=f"Hello {member.name},\n\n{words}"),
            to=member.email,
            connection=session,
            idempotency_key=f"answer-{invited.id}-{member.email}",
        )


def send_news(session: "Session", mailer: "Mailer", member: Member, *, url: str) -> int:
    """Send the week's news to each member: marketing mail, which has an unsubscribe link."""
    today = now().date()
    members = member.family.members
    for each in members:
        digest = Digest(
            name=each.name,
            since=today - timedelta(days=7),
            until=today,
            entries=(DigestEntry(title=member.family.name, summary=f"Members: {len(members)}", url=f"{url}/family"),),
        )
        key = f"news-{today}-{each.email}"
        mailer.enqueue(digest, to=each.email, stream="marketing", connection=session, idempotency_key=key)
    return len(members)
