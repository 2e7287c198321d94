"""The options of commands that fill in a template: its language and time zone."""

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mailer.templates.base import EmailTemplate


def add_locale_options(command: "ArgumentParser") -> None:
    """Give a command --locale, --second-locale and --timezone."""
    command.add_argument(
        "--locale", metavar="TAG", action="append", default=[], help="the language, such as es-MX; may be repeated"
    )
    command.add_argument("--second-locale", metavar="TAG", default="", help="a second language below the first")
    command.add_argument("--timezone", metavar="ZONE", default="", help="an IANA time zone; UTC when left out")


def localized(mail: "EmailTemplate", given: "Namespace") -> "EmailTemplate":
    """The mail in the language that was asked for."""
    locales = cast("list[str]", given.locale)
    if not (locales or given.second_locale or given.timezone):
        return mail
    return mail.localized(*locales, second=given.second_locale, timezone=given.timezone)
