"""Keeps what the local cloud knows in a folder: restored at the start, written now and then and at the end."""

import asyncio
import functools
import json
import logging

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.chatbot.service import Chatbot
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.saved_state import SavedState
from mailstack_localcloud.state_folder import StateFolder, unreadable

# So much may be lost where the process is killed.
SECONDS = 10.0
_DRAIN_SECONDS = 30.0
_CHATBOT = "chatbot"
_LOG = logging.getLogger(__name__)


class Autosave:
    """SES's state and the other services' in one folder.

    Args:
        folder: Where.
        context: SES.
        backend: The other services.
        chatbot: AWS Chatbot, which ministack lacks.

    Raises:
        StateError: What is in the folder cannot be restored.
    """

    def __init__(self, folder: StateFolder, context: Context, backend: Backend, chatbot: Chatbot) -> None:
        self._folder = folder
        self._context = context
        self._backend = backend
        self._chatbot = chatbot
        self._writing = asyncio.Lock()
        self._ses = SavedState(folder, context.state.region)
        self._restore()

    def _restore(self) -> None:
        saved = self._ses.load()
        if saved:
            self._context.state, sent = saved
            self._context.meter.restore(sent)
        self._backend.restore(self._folder)
        channels = self._folder.read(_CHATBOT)
        if channels is None:
            return
        try:
            self._chatbot.restore(channels)
        except ValueError as error:
            raise unreadable(self._folder.file(_CHATBOT), error) from error

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(SECONDS)
            await self.save()

    async def finish(self) -> None:
        """Write for the last time, with every event on its way."""
        try:
            await asyncio.wait_for(self._context.publisher.drain(), _DRAIN_SECONDS)
        except TimeoutError:
            _LOG.warning("Not every event was published before the local cloud stopped.")
        await self.save()

    async def save(self) -> None:
        """Write everything as it is at this moment. What cannot be written is said, and written the next time."""
        async with self._writing:
            ses = self._ses.text(self._context.state, self._context.meter.minutes())
            chatbot = json.dumps(self._chatbot.as_json())
            writes = {
                "SES": functools.partial(self._ses.write, ses),
                "Chatbot": functools.partial(self._folder.write, _CHATBOT, chatbot),
            }
            unsaved = self._backend.save(self._folder)
            for service, write in writes.items():
                try:
                    await asyncio.to_thread(write)
                except OSError as error:
                    unsaved.append(f"{service} ({error.strerror})")
        if unsaved:
            _LOG.error("The state of %s could not be written to %s.", ", ".join(unsaved), self._folder.path)
