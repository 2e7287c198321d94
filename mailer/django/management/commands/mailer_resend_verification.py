"""`manage.py mailer_resend_verification`: a new verification link for users who have not verified their address."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils import timezone

from mailer.address import mask
from mailer.cli.output import as_json, line, table
from mailer.django.management.base import MailerCommand
from mailer.django.verification import get_verification, send_verification
from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

    from django.contrib.auth.base_user import AbstractBaseUser

_MOST_DAYS = 3650


class Command(MailerCommand):
    """Send new links."""

    help = (
        "Send users a new verification link: those who are not active and have never signed in. Links that were sent "
        "before become invalid. Exit status 1 if somebody got none. Examples: manage.py mailer_resend_verification "
        "ada@example.com; manage.py mailer_resend_verification --all --days 7; manage.py mailer_resend_verification "
        "--all --dry-run --json"
    )

    def add_arguments(self, parser: "ArgumentParser") -> None:
        """Add the users and the options."""
        parser.add_argument("address", nargs="*", metavar="ADDRESS", help="the addresses of users")
        parser.add_argument("--all", action="store_true", help="everybody who has not verified their address")
        words = "with --all, only those who signed up in the last N days (default: %(default)s)"
        parser.add_argument("--days", type=int, default=30, metavar="N", help=words)
        parser.add_argument("--dry-run", action="store_true", help="list the users, and send nothing")
        parser.add_argument("--json", action="store_true", help="as JSON, with masked addresses")

    def run(self, given: dict[str, Any]) -> int:
        """Send them."""
        if bool(given["address"]) == given["all"]:
            raise ConfigurationError("Give addresses, or --all, not both.", hint="See --help for examples.")
        if not 1 <= given["days"] <= _MOST_DAYS:
            raise ConfigurationError(f"--days is {given['days']}.", hint=f"Give a number from 1 to {_MOST_DAYS}.")
        rows = list(_everybody(given) if given["all"] else _named(given))
        if not given["dry_run"]:
            get_verification().close()
        if given["json"]:
            as_json([dict(zip(("user", "address", "result"), row, strict=True)) for row in rows])
        else:
            table(rows)
            line(f"{sum(row[2] == _ASKED for row in rows)} of {len(rows)} users get a new link.")
        return int(any(row[2] not in (_ASKED, _LISTED) for row in rows))


_ASKED, _LISTED = "sent", "not verified"


def _everybody(given: dict[str, Any]) -> "Iterator[tuple[str, str, str]]":
    model, since = get_user_model(), timezone.now() - timedelta(days=given["days"])
    users = _users(Q(is_active=False, last_login__isnull=True))
    if any(field.name == "date_joined" for field in model._meta.get_fields()):  # noqa: SLF001 - Django's documented API
        users = users.filter(date_joined__gte=since)
    for user in users.order_by("pk").iterator():
        yield _row(user, _send(user, given))


def _named(given: dict[str, Any]) -> "Iterator[tuple[str, str, str]]":
    field = get_user_model().get_email_field_name()
    for address in given["address"]:
        users = list(_users(Q(**{f"{field}__iexact": address})))
        if not users:
            yield "-", mask(address), "no such user"
        for user in users:
            yield _row(user, _send(user, given) if _is_waiting(user) else "active, or was active before")


def _users(condition: Q) -> Any:
    return cast("Any", get_user_model())._default_manager.filter(condition)  # noqa: SLF001 - Django's documented API


def _is_waiting(user: "AbstractBaseUser") -> bool:
    """Whether the link may make the user active: somebody who was active before was deactivated by a person."""
    return not user.is_active and user.last_login is None


def _send(user: "AbstractBaseUser", given: dict[str, Any]) -> str:
    if given["dry_run"]:
        return _LISTED
    asked = send_verification(user)
    return f"limit reached until {asked.retry_at:%Y-%m-%d %H:%M} UTC" if asked.retry_at else _ASKED


def _row(user: "AbstractBaseUser", result: str) -> tuple[str, str, str]:
    return str(user.pk), mask(str(getattr(user, user.get_email_field_name()))), result
