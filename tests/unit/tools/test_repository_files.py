"""Files that other programs read: workflows, issue forms, hooks, the development container. They name what exists."""

import configparser
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
YAML = [*WORKFLOWS, *FORMS, ROOT / ".github" / "dependabot.yml", ROOT / ".pre-commit-config.yaml"]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
INPUTS = {"markdown", "input", "textarea", "dropdown", "checkboxes", "upload"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def load(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load(path.read_text(encoding="utf-8")))


def made(commands: str) -> set[str]:
    """The targets that lines of shell make."""
    words = [shlex.split(line) for line in commands.splitlines() if line.startswith("make ")]
    return {word for line in words for word in line[1:] if "=" not in word and not word.startswith("-")}


def steps() -> list[dict[str, Any]]:
    return [step for file in WORKFLOWS for job in load(file)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", YAML, ids=relative)
def test_yaml_parses(file: Path):
    assert load(file)


def test_workflows_make_only_targets_that_exist():
    wanted = {target for step in steps() for target in made(step.get("run", ""))}
    assert {"test", "e2e", "wheel"} <= wanted <= TARGETS


def test_workflows_test_every_supported_python():
    (job,) = (job for job in load(WORKFLOWS[0])["jobs"].values() if "strategy" in job)
    tested = job["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    claimed = [name.rpartition(" ")[2] for name in project["classifiers"] if "Python :: 3." in name]
    assert set(claimed) <= set(tested)
    assert tested[0] == project["requires-python"].removeprefix(">=")


def test_workflows_run_paths_that_exist():
    paths = {word for step in steps() for word in re.findall(r"\b(?:localcloud/)?tests/\S+", step.get("run", ""))}
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_workflows_may_only_read():
    """The token of a workflow that runs code of a pull request."""
    for file in WORKFLOWS:
        workflow = load(file)
        assert workflow["permissions"] == {"contents": "read"}
        triggers = cast("dict[Any, Any]", workflow)[True]  # YAML 1.1 reads the key `on` as true
        assert "pull_request_target" not in triggers


def test_actions_are_named_with_a_version():
    used = [step["uses"] for step in steps() if "uses" in step]
    assert [name for name in used if not re.fullmatch(r"[\w./-]+@(v\d+|[0-9a-f]{40})", name)] == []


@pytest.mark.parametrize("file", [file for file in FORMS if file.stem != "config"], ids=relative)
def test_an_issue_form_has_what_github_requires(file: Path):
    form = load(file)
    assert {"name", "description", "body"} <= form.keys()
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in form["body"]} <= INPUTS
    assert all(field["attributes"]["label"] for field in fields)
    ids = [field["id"] for field in fields]
    assert len(ids) == len(set(ids))


def test_dependabot_looks_at_folders_that_have_a_project():
    pip, actions = load(ROOT / ".github" / "dependabot.yml")["updates"]
    assert (pip["package-ecosystem"], actions["package-ecosystem"]) == ("pip", "github-actions")
    assert all((ROOT / folder.strip("/") / "pyproject.toml").exists() for folder in pip["directories"])


def test_hooks_run_tools_of_the_environment():
    (local,) = load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        (tool,) = (word for word in shlex.split(hook["entry"]) if word.startswith(".venv/bin/"))
        assert (ROOT / ".venv" / "bin").exists() <= (ROOT / tool).exists(), tool


def test_the_development_container_parses_and_makes_targets():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert made(container["postCreateCommand"]) <= TARGETS
    assert container["image"]


def test_the_editor_configuration_fits_the_formatter():
    parser = configparser.ConfigParser()
    parser.read_string("[top]\n" + (ROOT / ".editorconfig").read_text())
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]
    assert int(parser["*"]["max_line_length"]) == ruff["line-length"]
    assert int(parser["*"]["indent_size"]) == 4


def test_contributing_names_only_targets_that_exist():
    named = set(re.findall(r"`make ([a-z0-9-]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert {"check", "test", "docs"} <= named <= TARGETS


def test_contributing_names_only_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    code = re.findall(r"`((?:infra|mailer|localcloud|tests|tools|docs)/[\w/.-]+)`", text)
    assert len(code) > 10
    assert [path for path in code if not (ROOT / path).exists()] == []
