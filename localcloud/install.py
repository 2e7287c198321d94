"""The command that installs an extra of mailstack. No package index has mailstack: docs/install.md.

mailer/install.py and localcloud/install.py are copies, since neither package imports the other.
"""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

DISTRIBUTION = "mailstack"
# What the guides write, too: the address of a wheel or of the repository.
VARIABLE = "$MAILSTACK"


def install_command(extra: str) -> str:
    """The command that adds an extra, from the address that mailstack itself was installed from.

    Where that was not recorded, such as after `pip install --find-links`, the address is the variable of the guides.
    """
    recorded = _direct_url()
    address = str(recorded.get("url", VARIABLE))
    if recorded.get("dir_info", {}).get("editable"):
        return f'pip install --editable "{unquote(urlsplit(address).path)}[{extra}]"'
    if vcs := recorded.get("vcs_info"):
        address = f"{vcs['vcs']}+{address}@{vcs.get('requested_revision') or vcs['commit_id']}"
    if subdirectory := recorded.get("subdirectory"):
        address += f"#subdirectory={subdirectory}"
    return f'pip install "{DISTRIBUTION}[{extra}] @ {address}"'


def _direct_url() -> dict[str, Any]:
    """Where the distribution was installed from, as installers record it (PEP 610); empty where none did."""
    from importlib.metadata import PackageNotFoundError, distribution  # most programs never need it

    try:
        return dict(json.loads(distribution(DISTRIBUTION).read_text("direct_url.json") or "{}"))
    except PackageNotFoundError:
        return {}
