"""What a run is about, in its state folder: so that its stack can be deleted after a crash."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "run.json"


class SavedError(Exception):
    """The file cannot be read; the message says why."""


@dataclass(frozen=True)
class Saved:
    """The options that a clean-up needs.

    Attributes:
        endpoint: Of the local cloud; empty for AWS.
    """

    domain: str
    zone: str
    region: str
    stack: str
    deploy_profile: str
    endpoint: str

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a run has left its options."""
        return (folder / FILE).exists()

    def write(self, folder: Path) -> None:
        """Write the options, before anything is created."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Saved":
        """Read the options.

        Raises:
            SavedError: The file is damaged.
        """
        try:
            return cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise SavedError(f"{folder / FILE} cannot be read: {error}. Delete the stack by hand.") from error
