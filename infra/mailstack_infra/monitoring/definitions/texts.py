"""The text of an alarm: what happened, the next command, and a link to the runbook."""

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailstack_infra.environment import Environment


def percent(fraction: float) -> str:
    """A fraction as a percentage, with exactly the digits that the settings have.

    Example:
        >>> percent(0.0008), percent(0.04), percent(0.00001)
        ('0.08 %', '4 %', '0.001 %')
    """
    return f"{(Decimal(str(fraction)) * 100).normalize():f} %"


def mails(number: int) -> str:
    """A number of mails in words.

    Example:
        >>> mails(1), mails(100)
        ('1 mail', '100 mails')
    """
    return "1 mail" if number == 1 else f"{number} mails"


def minutes(seconds: int) -> str:
    """A time in words.

    Example:
        >>> minutes(60), minutes(900)
        ('1 minute', '15 minutes')
    """
    number = seconds // 60
    return "1 minute" if number == 1 else f"{number} minutes"


class Speaker:
    """Composes the texts of one stack's alarms.

    Args:
        env: The stack's environment, for names and the region.
        runbook: The URL of the runbook; empty for the path of the file in the repository.
    """

    def __init__(self, env: "Environment", runbook: str) -> None:
        self._env, self._runbook = env, runbook or "docs/guides/monitoring.md"

    def says(self, what: str, *, then: str, section: str) -> str:
        """A whole text.

        Args:
            what: What happened, in sentences.
            then: The next command.
            section: The runbook's section, as its anchor.
        """
        return f"{what}\nNext: {then}\nRunbook: {self._runbook}#{section}"

    def log(self, worker: str, pattern: str = "") -> str:
        """The command that shows a function's log."""
        matching = f" --filter-pattern '{pattern}'" if pattern else ""
        name = f"/aws/lambda/{self._env.name(worker)}"
        return f"aws logs tail {name} --since 1h --region {self._env.region}{matching}"

    def events(self, kind: str) -> str:
        """The command that shows SES's events of one kind."""
        return self.log("feedback", f'{{ $.kind = "{kind}" }}')

    def aws(self, command: str) -> str:
        """A command of the AWS CLI, in the stack's region."""
        return f"aws {command} --region {self._env.region}"

    def mailer(self, command: str) -> str:
        """A command of `mailer` about the stack."""
        return f"mailer {command} --stack {self._env.stack}"
