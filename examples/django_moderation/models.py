"""Accounts, candidates and the mails that were sent."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


def active_language() -> str:
    """The language of the request under way."""
    return get_language() or "en"


class Accounts(BaseUserManager["User"]):
    """Creates users, who sign in by their address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user; without a password, nobody can sign in."""
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An administrator, for `manage.py createsuperuser`."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def waiting(self, email: str) -> "User | None":
        """Who has signed up with an address and not verified it. A deactivated user was signed in before."""
        return self.filter(email=email.lower(), is_active=False, last_login__isnull=True).first()

    def administrators(self) -> "models.QuerySet[User]":
        """Who decides, and gets mail about each submission."""
        return self.filter(is_staff=True, is_active=True).order_by("pk")


class User(AbstractUser):
    """An account. `language` is the language of its mails."""

    username = None
    email = models.EmailField(_("email address"), unique=True)
    language = models.CharField(max_length=10, default=active_language)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []  # pyright: ignore[reportIncompatibleVariableOverride]
    objects: ClassVar[Accounts] = Accounts()  # pyright: ignore[reportIncompatibleVariableOverride]

    def __str__(self) -> str:
        return self.email


class Candidate(models.Model):
    """A person who runs for an office: filled in by four steps, then decided by an administrator."""

    class Status(models.TextChoices):
        """Where it stands."""

        DRAFT = "draft", _("Draft")
        PENDING = "pending", _("Waiting for a decision")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Please revise")

    user = models.OneToOneField(User, models.CASCADE, related_name="candidate")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    full_name = models.CharField(_("full name"), max_length=80)
    phone = models.CharField(_("telephone"), max_length=30, blank=True, help_text=_("For questions. It is not shown."))
    office = models.CharField(_("office"), max_length=80, help_text=_("What you run for."))
    district = models.CharField(_("district"), max_length=80)
    statement = models.TextField(_("statement"), max_length=2000, help_text=_("2,000 characters at most."))
    # How often it was submitted: part of the idempotency keys of its mails.
    round = models.PositiveIntegerField(default=0)
    submitted_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    notes = models.TextField(_("notes"), max_length=2000, blank=True)

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """What mails call it."""
        return f"{self.full_name}, {self.office}"

    @property
    def is_editable(self) -> bool:
        """Whether the candidate may change it."""
        return self.status in {self.Status.DRAFT, self.Status.REJECTED}


class SentMail(models.Model):
    """How long a mail took, for `manage.py mail_report`. It holds no address."""

    template = models.CharField(max_length=100)
    status = models.CharField(max_length=20)
    seconds = models.FloatField()
    at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.template}: {self.status}"
