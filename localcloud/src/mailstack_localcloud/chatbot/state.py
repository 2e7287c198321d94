"""The state of the emulated Chatbot, and its form in a file. Records only: no rule, no protocol."""

import dataclasses
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

# The newest messages are kept for each channel.
KEPT_MESSAGES = 200
# https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateSlackChannelConfiguration.html
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@dataclass(frozen=True, slots=True)
class Message:
    """Something that a topic delivered, and what the channel shows of it.

    Attributes:
        at: When, in ISO 8601.
        topic: The topic's ARN.
        subject: The subject that it was published with; channels show none.
        message: What was published.
        shown: Whether the channel shows it: Chatbot drops what it does not understand.
        kind: `alarm`, `event` or `custom`; empty where it is not shown.
        title: The first line of what is shown.
        text: The rest of it; why nothing is shown, where that is so.
    """

    at: str
    topic: str
    subject: str
    message: str
    shown: bool
    kind: str
    title: str
    text: str


@dataclass(slots=True)
class SlackChannel:
    """A configuration of a Slack channel."""

    name: str
    arn: str
    team_id: str
    channel_id: str
    channel_name: str
    role: str
    topics: list[str] = field(default_factory=list[str])
    logging_level: str = "NONE"
    guardrails: list[str] = field(default_factory=lambda: [ADMINISTRATOR])
    user_authorization_required: bool = False
    tags: dict[str, str] = field(default_factory=dict[str, str])
    messages: deque[Message] = field(default_factory=lambda: deque[Message](maxlen=KEPT_MESSAGES))

    def as_json(self) -> dict[str, Any]:
        """As a file holds it."""
        plain = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        return {**plain, "messages": [dataclasses.asdict(message) for message in self.messages]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """What `as_json` wrote.

        Raises:
            TypeError: It is something else.
            KeyError: It is something else.
        """
        messages = [Message(**message) for message in value["messages"]]
        members: dict[str, Any] = {**value, "messages": deque(messages, maxlen=KEPT_MESSAGES)}
        return cls(**members)
