"""The application's tables. The library's own are in the same database: `SqlStores.migrate` creates them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class State(StrEnum):
    """What became of an invitation."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Base(DeclarativeBase):
    """The tables."""


class Family(Base):
    """A family."""

    __tablename__ = "families"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    members: Mapped[list["Member"]] = relationship(back_populates="family", order_by="Member.name")
    invitations: Mapped[list["Invited"]] = relationship(back_populates="family", order_by="Invited.id")


class Member(Base):
    """A parent, who has proved to read the address."""

    __tablename__ = "members"
    email: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    family_id: Mapped[int] = mapped_column(ForeignKey("families.id"))
    family: Mapped[Family] = relationship(back_populates="members")


class Invited(Base):
    """An invitation. Its token is in the mail alone: here is a hash."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("family_id", "email"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    family_id: Mapped[int] = mapped_column(ForeignKey("families.id"))
    family: Mapped[Family] = relationship(back_populates="invitations")
    email: Mapped[str]
    name: Mapped[str]
    inviter: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    state: Mapped[State] = mapped_column(default=State.PENDING)
    expires_at: Mapped[datetime]  # UTC


class SignedIn(Base):
    """A browser that is signed in. Its token is in a cookie: here is a hash."""

    __tablename__ = "sessions"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]
    expires_at: Mapped[datetime]  # UTC
