"""The Pulumi program of this repository."""

import sys
from pathlib import Path

# The folder of a program is on its path, with `mailstack_infra` in it; the contract, `mailer.stack`, is beside it.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from mailstack_infra.program import deploy

mailstack = deploy()
