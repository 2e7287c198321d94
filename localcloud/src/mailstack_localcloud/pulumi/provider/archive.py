"""The zip file for an archive of a Pulumi program: a file, a folder, or members. Not for remote archives."""

import base64
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

from mailstack_localcloud.pulumi.provider.cloud import ProviderError
from mailstack_localcloud.pulumi.wire import ARCHIVE, ASSET, Props, signature

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name, so that equal content gives equal bytes


def zip_bytes(archive: Props) -> bytes:
    """The bytes of an archive.

    Raises:
        ProviderError: It is remote, or its file cannot be read.
    """
    path = archive.get("path")
    try:
        if path and Path(path).is_file():
            return Path(path).read_bytes()
        return _zipped(dict(_members(archive, "")))
    except OSError as error:
        raise ProviderError(
            f"The archive {path} cannot be read: {error.strerror}. Build it before deploying."
        ) from error


def fingerprint(archive: Props) -> str:
    """SHA-256 of the bytes, in base64, as Lambda writes it."""
    return base64.b64encode(hashlib.sha256(zip_bytes(archive)).digest()).decode()


def _members(value: Any, prefix: str) -> list[tuple[str, bytes]]:
    if signature(value) == ASSET:
        return [(prefix, value["text"].encode() if value.get("text") else Path(value["path"]).read_bytes())]
    if signature(value) != ARCHIVE or value.get("uri"):
        raise ProviderError("Only archives of files on this machine are served: use a FileArchive or an AssetArchive.")
    if value.get("path"):
        root = Path(value["path"])
        files = sorted(path for path in root.rglob("*") if path.is_file())
        if not root.is_dir():
            raise FileNotFoundError(2, "No such file or directory", str(root))
        return [((Path(prefix) / path.relative_to(root)).as_posix(), path.read_bytes()) for path in files]
    found = [_members(member, f"{prefix}/{name}".lstrip("/")) for name, member in value.get("assets", {}).items()]
    return [member for members in found for member in members]


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), members[name])
    return buffer.getvalue()
