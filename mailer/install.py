"""The command that installs an extra of mailstack. No package index has mailstack: docs/guides/install.md."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

DISTRIBUTION, LOCALCLOUD = "mailstack", "mailstack-localcloud"
# What the guides write, too: the address of a wheel or of the repository.
VARIABLE, LOCALCLOUD_VARIABLE = "$MAILSTACK", "$MAILSTACK_LOCALCLOUD"
# The extras that need the distribution of the local cloud, and the extra of that. It must be named with its address:
# by its name alone an installer would look for it on a package index, where anybody can register the name.
_OF_LOCALCLOUD = {"testing": "", "local": "[pulumi]"}


def install_command(extra: str) -> str:
    """The command that adds an extra, from the address that mailstack itself was installed from.

    Where that was not recorded, such as after `pip install --find-links`, the address is the variable of the guides.
    """
    recorded = _direct_url()
    address = str(recorded.get("url", VARIABLE))
    if recorded.get("dir_info", {}).get("editable"):
        folder = unquote(urlsplit(address).path)
        beside = [f'--editable "{folder}/localcloud{_OF_LOCALCLOUD[extra]}"'] if extra in _OF_LOCALCLOUD else []
        return " ".join(["pip install", *beside, f'--editable "{folder}[{extra}]"'])
    if vcs := recorded.get("vcs_info"):
        address = f"{vcs['vcs']}+{address}@{vcs.get('requested_revision') or vcs['commit_id']}"
    folder = recorded.get("subdirectory", "")
    wanted = [f'"{DISTRIBUTION}[{extra}] @ {_inside(address, folder)}"']
    if extra in _OF_LOCALCLOUD:
        wanted.insert(0, f'"{LOCALCLOUD}{_OF_LOCALCLOUD[extra]} @ {_address_of_localcloud(address, folder, recorded)}"')
    return " ".join(["pip install", *wanted])


def _inside(address: str, folder: str) -> str:
    return f"{address}#subdirectory={folder}" if folder else address


def _address_of_localcloud(address: str, folder: str, recorded: dict[str, Any]) -> str:
    """In a repository it is a folder; of two wheels, which are built together, it is the one beside the other."""
    if "vcs_info" in recorded:
        return _inside(address, f"{folder}/localcloud" if folder else "localcloud")
    if "dir_info" in recorded:
        return f"{address}/localcloud"
    place, _, wheel = address.rpartition("/")
    beside = wheel.replace(f"{DISTRIBUTION}-", f"{LOCALCLOUD.replace('-', '_')}-", 1)
    return f"{place}/{beside}" if place and wheel.endswith(".whl") else LOCALCLOUD_VARIABLE


def _direct_url() -> dict[str, Any]:
    """Where the distribution was installed from, as installers record it (PEP 610); empty where none did."""
    from importlib.metadata import PackageNotFoundError, distribution  # most programs never need it

    try:
        return dict(json.loads(distribution(DISTRIBUTION).read_text("direct_url.json") or "{}"))
    except PackageNotFoundError:
        return {}
