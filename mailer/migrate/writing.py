"""Writes the new settings: what was there stays, byte for byte, and a copy is kept in a folder that Git ignores."""

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mailer.errors import ConfigurationError
from mailer.migrate.application import MODULE, django_block, env_block, module_place, module_text
from mailer.migrate.block import BEGIN, END
from mailer.migrate.env_file import read_env
from mailer.migrate.python_file import parsed
from mailer.migrate.stack_file import completed, new_file

if TYPE_CHECKING:
    from mailer.migrate.application import Choice
    from mailer.migrate.plan import Plan
    from mailer.migrate.sources import Sources

BACKUPS = ".mailstack-backup"
_MAX_BACKUPS = 1000
_ENV = ".env"
_PRIVATE = 0o600


class Change(NamedTuple):
    """A file that is written.

    Attributes:
        path: The file.
        before: Its bytes; None where it does not exist.
        after: Its new bytes.
        added: The new lines, which hold no secret.
    """

    path: Path
    before: bytes | None
    after: bytes
    added: str


def changes_of(plan: "Plan", sources: "Sources", choice: "Choice", folder: Path) -> list[Change]:
    """What would be written.

    Args:
        plan: The plan.
        sources: The files that it was made of.
        choice: What the person chose.
        folder: Where `Pulumi.<stack>.yaml` and files without another place go.

    Raises:
        ConfigurationError: A file cannot be changed without a loss.
    """
    found = [_stack(plan, folder / f"Pulumi.{choice.stack}.yaml")]
    settings = sources.python_files[0] if sources.python_files else None
    place, module = module_place(settings) if settings else (folder / f"{MODULE}.py", MODULE)
    if plan.old.is_django and settings and not sources.has_classes:
        has_app = "mailer.django" in _without_block(_bytes(settings) or b"", settings).decode(errors="replace")
        found.append(_with_block(settings, django_block(plan, module, choice, has_app=has_app)))
    env = sources.env_files[0] if sources.env_files else None if plan.old.is_django and settings else folder / _ENV
    if env:
        found.append(_with_block(env, env_block(plan, choice)))
    text = module_text(plan, choice)
    if text:
        found.append(_module(place, text))
    return [one for one in found if one.before != one.after]


def write(changes: list[Change], folder: Path) -> list[Path]:
    """Write all files; each is replaced at once, after its copy is on the disk.

    Args:
        changes: What `changes_of` returned.
        folder: Where the folder of the copies is.

    Returns:
        The copies.

    Raises:
        ConfigurationError: A file cannot be written. Those before it are written.
    """
    copies: list[Path] = []
    for one in changes:
        try:
            if one.before is not None:
                copies.append(_copy(one, folder))
            _replace(one)
        except OSError as error:
            words = f"{one.path} cannot be written: {error.strerror}."
            raise ConfigurationError(words, hint="Nothing of it was changed.") from error
    return copies


def _stack(plan: "Plan", path: Path) -> Change:
    before = _bytes(path)
    if before is None:
        text = new_file(plan.stack)
        return Change(path, None, text.encode(), text)
    old = _decoded(before, path)
    text = completed(old, plan.stack, path.name)
    added = "\n".join(line for line in text.splitlines() if line not in old.splitlines())
    return Change(path, before, text.encode(), added)


def _module(path: Path, text: str) -> Change:
    before = _bytes(path)
    if before is not None and b"Written by `mailer migrate`" not in before:
        raise ConfigurationError(f"{path} exists, and `mailer migrate` did not write it.", hint="Rename that file.")
    return Change(path, before, text.encode(), text)


def _with_block(path: Path, block: str) -> Change:
    """The file with the block at its end; a block of an earlier run is replaced."""
    before = _bytes(path)
    kept = _without_block(before or b"", path)
    end = "\r\n" if b"\r\n" in kept else "\n"
    gap = b"" if not kept else end.encode() * (1 if kept.endswith(b"\n") else 2)
    after = kept + gap + block.replace("\n", end).encode()
    _compare(path, kept, after)
    return Change(path, before, after, block)


def _without_block(data: bytes, path: Path) -> bytes:
    """What the file has beside the block of an earlier run."""
    text = _decoded(data, path)
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.startswith(BEGIN)]
    if not starts:
        return data
    ends = [number for number, line in enumerate(lines) if line.rstrip() == END and number > starts[0]]
    if len(starts) != 1 or len(ends) != 1:
        hint = f"Remove the lines from {BEGIN!r} to {END!r} by hand."
        raise ConfigurationError(f"{path} has an incomplete block of mailstack.", hint=hint)
    before = "".join(lines[: starts[0]])
    bare = before[:-2] if before.endswith("\r\n\r\n") else before[:-1] if before.endswith("\n\n") else before
    return (bare + "".join(lines[ends[0] + 1 :])).encode()


def _compare(path: Path, kept: bytes, after: bytes) -> None:
    """Refuse a change that loses something: a block inside an open quote, say."""
    old, new = _decoded(kept, path), _decoded(after, path)
    if path.suffix == ".py":
        try:
            is_whole = len(parsed(new).body) > len(parsed(old).body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            is_whole = False
    else:
        known = {one.name: one.value for one in read_env(new, "")}
        before = {one.name: one.value for one in read_env(old, "")}
        added = {name for name in known if name.startswith("MAILSTACK_")}
        is_whole = bool(added) and all(known.get(name) == value for name, value in before.items() if name not in added)
    if not is_whole:
        words = f"{path} cannot be read to its end, so lines behind it would not count."
        raise ConfigurationError(words, hint="Correct its last lines, or add the lines by hand.")


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", hint="Name a file.") from error


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8.", hint="Save it as UTF-8, or add the lines by hand.") from error


def _copy(one: Change, folder: Path) -> Path:
    """Copy the bytes of before to a new file that its owner alone may read."""
    backups = folder / BACKUPS
    backups.mkdir(mode=0o700, exist_ok=True)
    (backups / ".gitignore").write_text("*\n")
    for number in range(1, _MAX_BACKUPS):
        place = backups / (one.path.name if number == 1 else f"{one.path.name}.{number}")
        try:
            handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        except FileExistsError:
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(one.before or b"")
            file.flush()
            os.fsync(file.fileno())
        return place
    raise ConfigurationError(f"{backups} has {_MAX_BACKUPS} copies of {one.path.name}.", hint="Delete old copies.")


def _replace(one: Change) -> None:
    """Write beside the file, then put it in its place; links are followed, and its mode is kept."""
    path = one.path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(one.after)
            file.flush()
            os.fsync(file.fileno())
        mode = (
            stat.S_IMODE(path.stat().st_mode) if one.before is not None else _PRIVATE if path.suffix != ".py" else 0o644
        )
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
