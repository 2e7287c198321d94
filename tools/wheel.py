"""Builds the wheel of this repository into dist/: `make wheel`. Needs the build backend, and no network."""

import os
from pathlib import Path

from hatchling.build import build_wheel

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
SAYS = """\
Built {wheel}. Install it elsewhere, with the extras that you need (docs/install.md):

export MAILSTACK={address}
pip install "mailstack[infra] @ $MAILSTACK"
"""


if __name__ == "__main__":
    DIST.mkdir(exist_ok=True)
    os.chdir(ROOT)  # a build backend works on the folder that it is called in (PEP 517)
    wheel = DIST / build_wheel(str(DIST))
    print(SAYS.format(wheel=wheel.relative_to(ROOT), address=wheel.as_uri()), end="")
