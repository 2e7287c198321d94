"""What `pulumi install` puts into a project's environment is what the package says that it needs."""

import tomllib

from tests.unit.infra.program import ROOT


def test_the_programs_requirements_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "infra" / "requirements.txt").read_text().splitlines()
    contract = [line for line in project["dependencies"] if line.startswith(("idna", "pydantic"))]
    assert [line for line in lines if not line.startswith("#")] == [
        *project["optional-dependencies"]["infra"],
        *contract,
    ]
