"""Saves the state of the local cloud in a folder: restored at the start, written periodically and at the end."""

import asyncio
import functools
import json
import logging
from collections.abc import Awaitable, Callable

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.chatbot.service import Chatbot
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.saved_state import SavedState
from mailstack_localcloud.state_folder import StateFolder, unreadable

# The most that is lost if the process is killed.
SECONDS = 10.0
_DRAIN_SECONDS = 30.0
_CHATBOT = "chatbot"
_LOG = logging.getLogger(__name__)


class Autosave:
    """Saves the state of SES and of the other services in a folder.

    Args:
        folder: The folder.
        context: SES.
        backend: The other services.
        chatbot: AWS Chatbot, which ministack lacks.

    Raises:
        StateError: A file in the folder cannot be restored.
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

    async def snapshot(self) -> None:
        """Keep the present state, for `restore`.

        Raises:
            OSError: It cannot be written.
        """
        await self.save()
        await asyncio.to_thread(self._folder.snapshot)

    async def restore(self, empty: Callable[[], Awaitable[object]]) -> None:
        """Return to the snapshot.

        Args:
            empty: Empties every service.

        Raises:
            StateError: There is no snapshot.
            OSError: It cannot be read.
        """
        async with self._writing:  # nothing of the present state is written over the snapshot's
            self._folder.check_snapshot()
            await empty()
            await asyncio.to_thread(self._folder.restore)
            self._backend.load_objects()
            self._restore()

    async def run(self) -> None:
        """Save periodically until cancelled."""
        while True:
            await asyncio.sleep(SECONDS)
            await self.save()

    async def finish(self) -> None:
        """Save once more, after every event was published."""
        try:
            await asyncio.wait_for(self._context.publisher.drain(), _DRAIN_SECONDS)
        except TimeoutError:
            _LOG.warning("Not every event was published before the local cloud stopped.")
        await self.save()

    async def save(self) -> None:
        """Save everything. A file that cannot be written is logged, and written the next time."""
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
