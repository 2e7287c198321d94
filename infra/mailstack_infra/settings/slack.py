"""Settings of Slack: the channels that show pages and warnings."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from mailstack_infra.settings.base import Group
from mailstack_infra.settings.marks import Allowed

# https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateSlackChannelConfiguration.html
_ID = r"^[A-Z0-9]{0,255}$"
_Channel = Annotated[str, Allowed("a channel's id such as C07EZ1ABC23"), Field(pattern=_ID)]


class Slack(Group):
    """Slack, through AWS Chatbot. First allow it into your workspace, in its console: AWS has no API for that."""

    workspace: Annotated[
        str,
        Allowed("a workspace's id such as T07EA123LEP"),
        Field(
            pattern=_ID, description="The workspace's id, which AWS Chatbot's console shows after you have allowed it."
        ),
    ] = ""
    page: Annotated[_Channel, Field(description="The channel that shows pages.")] = ""
    warn: Annotated[
        _Channel, Field(description="The channel that shows warnings. The default is the channel of `page`.")
    ] = ""

    @field_validator("warn")
    @classmethod
    def _check_workspace(cls, warn: str, info: ValidationInfo) -> str:
        workspace, page = info.data.get("workspace"), info.data.get("page")
        if workspace is not None and page is not None and bool(workspace) != bool(page or warn):
            raise ValueError("workspace and a channel must be set together")
        return warn

    @property
    def channels(self) -> dict[str, list[str]]:
        """What each channel shows, by its id: `page`, `warn` or both."""
        shown: dict[str, list[str]] = {}
        for kind, channel in (("page", self.page), ("warn", self.warn or self.page)):
            if channel:
                shown.setdefault(channel, []).append(kind)
        return shown

    @property
    def warns_elsewhere(self) -> bool:
        """Whether warnings have a channel of their own."""
        return self.warn not in {"", self.page}
