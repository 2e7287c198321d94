"""The local cloud's `aws` plugin as a file, and a shell in which `pulumi` finds it: `localcloud pulumi-plugin`.

Not for real environments: this must never replace the official plugin there.
"""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from mailstack_localcloud.backend.credentials import environment
from mailstack_localcloud.paths import IMPORT_PATH
from mailstack_localcloud.pulumi.find_cli import find_pulumi

# What would lead a program or an engine elsewhere.
MISLEADING = ("AWS_", "PULUMI_")
# For an engine that fetches nothing, and encrypts nothing but what is the local cloud's.
ENGINE = {
    "PULUMI_CONFIG_PASSPHRASE": "local",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_SKIP_UPDATE_CHECK": "true",
}
# -P: the engine starts it in the program's folder, whose modules must not hide those of libraries.
# -u: the engine waits for its first line.
PLUGIN = """\
#!/bin/sh
PYTHONPATH={root}${{PYTHONPATH:+:$PYTHONPATH}} exec {python} -P -u -m mailstack_localcloud.pulumi.provider "$@"
"""


def write_plugin(folder: Path) -> Path:
    """Write `pulumi-resource-aws`, by which engines look the plugin up, into a folder, and return that."""
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / "pulumi-resource-aws"
    plugin.write_text(PLUGIN.format(root=shlex.quote(IMPORT_PATH), python=shlex.quote(sys.executable)))
    plugin.chmod(0o755)
    return folder


def prepare(folder: Path, endpoint: str, region: str, environ: Mapping[str, str] = os.environ) -> str:
    """Write the plugin into a folder, with room for state, and return the lines by which a shell uses them.

    Args:
        folder: Holds the plugin, the state of stacks, and the engine's own files; it outlives the local cloud.
        endpoint: Of the local cloud.
        region: Of the local cloud.
        environ: The shell's environment.
    """
    folder = folder.resolve()
    state, home = folder / "state", folder / "home"
    for each in (state, home):
        each.mkdir(parents=True, exist_ok=True)
    given = {
        **environment(endpoint, region),
        **ENGINE,
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_HOME": str(home),
    }
    return "\n".join(_lines(write_plugin(folder / "bin"), given, environ)) + "\n"


def _lines(plugin: Path, given: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    misleading = sorted(name for name in environ if name.startswith(MISLEADING) and name not in given)
    if misleading:
        yield f"unset {' '.join(misleading)}"
    for name, value in given.items():
        yield f"export {name}={shlex.quote(value)}"
    path = [plugin]
    if pulumi := find_pulumi(path=environ.get("PATH")):
        path.append(pulumi.parent)
    yield f"export PATH={':'.join(shlex.quote(str(folder)) for folder in path)}:$PATH"
