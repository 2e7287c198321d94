"""What pyproject.toml cannot tell hatchling, the build backend, about the package `mailstack_infra`."""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "mailstack_infra"
# Finds the package by its name, so that its folder need not be on the path. `editables`, which does the same, doubles
# the time in which Python starts.
FINDER = """
class InfraFinder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {name!r}:
            from importlib.util import spec_from_file_location
            return spec_from_file_location(name, {file!r})

sys.meta_path.append(InfraFinder)
"""


class InfraPackage(BuildHookInterface[Any]):
    """Completes the wheel, and the installation of a clone into its own .venv."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the functions' sources to a wheel, and the finder to a .venv.

        hatchling's own `force-include` would copy the sources into a .venv, too. A folder `mailstack_infra` in
        site-packages without an `__init__.py` is a namespace package, and hides the package in the clone.
        """
        if version == "standard":
            build_data["force_include"]["lambdas"] = f"{NAME}/lambdas"
        else:
            build_data["force_include_editable"][str(self._startup_file())] = f"_{NAME}.pth"

    def _startup_file(self) -> Path:
        """A file that Python's `site` runs at its start: each line of it that begins with `import`."""
        code = FINDER.format(name=NAME, file=str(Path(self.root, "infra", NAME, "__init__.py")))
        file = Path(self.root, ".build", f"{NAME}.pth")
        file.parent.mkdir(exist_ok=True)
        # Moved there when it is whole: another Python may be installing the same clone.
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_text(f"import sys; exec({code!r})\n", encoding="utf-8")
        return unfinished.replace(file)
