"""The folder of this package: the processes that it starts must find it from any working directory."""

import os

# A plain string: `pathlib` would be a tenth of the time in which the local cloud starts.
IMPORT_PATH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
