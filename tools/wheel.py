"""Builds the wheels of both distributions into dist/: `make wheel`. Needs the build backend, and no network."""

import os
from pathlib import Path

from hatchling.build import build_wheel

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
SAYS = """\
Built {mailstack} and {localcloud} in dist/. To install them elsewhere, with extras (docs/guides/install.md):

export MAILSTACK={folder}/{mailstack} MAILSTACK_LOCALCLOUD={folder}/{localcloud}
pip install "mailstack[infra] @ $MAILSTACK"
"""


if __name__ == "__main__":
    DIST.mkdir(exist_ok=True)
    os.chdir(ROOT)  # a build backend works on the folder that it is called in (PEP 517)
    mailstack = build_wheel(str(DIST))
    os.chdir(ROOT / "localcloud")
    print(SAYS.format(mailstack=mailstack, localcloud=build_wheel(str(DIST)), folder=DIST.as_uri()), end="")
