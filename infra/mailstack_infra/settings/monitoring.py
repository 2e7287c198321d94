"""The settings of alarms and of those who receive them, as components take them.

Not for reading or checking them: `Settings` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailstack_infra.settings.slack import Slack
from mailstack_infra.settings.stream import StreamSettings


@dataclass(frozen=True, kw_only=True)
class MonitoringSettings:
    """What is monitored, and who is notified.

    Attributes:
        streams: The streams, by name.
        watch_account: Whether the stack monitors the whole SES account.
        runbook: The URL of the runbook; empty for the file in the repository.
        page: The recipients of pages, by address or URL.
        warn: The recipients of warnings, if others than those of pages.
        slack: The channels of both.
    """

    streams: Mapping[str, StreamSettings]
    watch_account: bool
    runbook: str
    page: Sequence[str]
    warn: Sequence[str]
    slack: Slack

    @property
    def has_guard(self) -> bool:
        """Whether a critical rate pauses a stream."""
        return any(stream.guard for stream in self.streams.values())

    @property
    def has_pagers(self) -> bool:
        """Whether a person or a channel should be subscribed to pages."""
        return bool(self.page or self.slack.page)

    @property
    def separate_warnings(self) -> bool:
        """Whether warnings have recipients of their own, and so a topic of their own."""
        return bool(self.warn or self.slack.warns_elsewhere)

    @property
    def least_sends(self) -> int:
        """How many sends make a rate of the account meaningful: the smallest minimum among the streams."""
        return min(stream.minimum_sends for stream in self.streams.values())
