"""What SpamAssassin says of mails: their points, and the rules that gave them. Asks no server."""

import os
import re
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailer.errors import TemplateError
from mailer.quality.report import Check
from mailer.transports.mime import identifier_of, message_id, mime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.message import Message

PROGRAM = "spamassassin"
# More is a warning sign; SpamAssassin itself calls 5 spam.
MOST = 2.0
_SECONDS_EACH, _SECONDS = 5, 60
# In an mbox, mails begin with such a line; a line of theirs that looks like one is quoted. RFC 4155.
_SEPARATOR = b"From score@example.com Thu Jan  1 00:00:00 1970\n"
_FROM = re.compile(rb"^(>*From )", re.MULTILINE)
_STATUS = re.compile(rb"^X-Spam-Status:.*?score=(-?[\d.]+)", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"^[ \t]*(-?\d+\.\d+)[ \t]+([A-Z][A-Z0-9_]+)[ \t]+(.*)$", re.MULTILINE)


def checks(messages: "Sequence[Message]") -> list[Check]:
    """Run SpamAssassin once over mails; skipped where it is not installed.

    Raises:
        TemplateError: It failed.
    """
    if not (path := shutil.which(PROGRAM)):
        words = f"{PROGRAM} is not installed (Debian: apt install {PROGRAM})"
        return [Check("spam", "skip", words) for _ in messages]
    mails = {message_id(one): one for one in messages}
    box = b"\n".join(_SEPARATOR + _FROM.sub(rb">\1", _written(one, id_)) for id_, one in mails.items())
    returned = _run_spamassassin(path, box, seconds=_SECONDS + _SECONDS_EACH * len(mails)).split(_SEPARATOR)[1:]
    answers = {identifier_of(answer): answer for answer in returned}  # not in the order of the mails
    if answers.keys() != mails.keys():
        hint = f"Run `{PROGRAM} --local --test-mode` by hand to see why."
        raise TemplateError(f"SpamAssassin returned {len(answers)} of {len(mails)} mails.", hint=hint)
    return [_check(answers[id_]) for id_ in mails]


def _written(message: "Message", identifier: str) -> bytes:
    return mime(message, date=datetime.now(UTC), identifier=identifier).replace(b"\r\n", b"\n")


def _check(answer: bytes) -> Check:
    status = _STATUS.search(answer)
    if not status:
        raise TemplateError("SpamAssassin gave no score.", hint=f"Run `{PROGRAM} --local --test-mode` by hand.")
    score = float(status[1])
    report = answer.decode(errors="replace").partition("Content analysis details:")[2]
    rules = [f"{points} {name}: {words}" for points, name, words in _RULE.findall(report) if float(points) > 0]
    words = f"{score:.1f} points; at most {MOST}"
    return Check("spam", "pass" if score <= MOST else "fail", words, tuple(rules))


def _run_spamassassin(path: str, box: bytes, *, seconds: int) -> bytes:
    """The mails as SpamAssassin returns them: by its local rules, and no settings of the user's."""
    with tempfile.TemporaryDirectory() as home:
        command = [path, "--local", "--test-mode", "--mbox", "--nocreate-prefs", "--prefspath=/dev/null"]
        environment = {**os.environ, "HOME": home}
        try:
            done = subprocess.run(
                command, input=box, capture_output=True, timeout=seconds, env=environment, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TemplateError(f"SpamAssassin failed: {type(error).__name__}.") from error
    return done.stdout
