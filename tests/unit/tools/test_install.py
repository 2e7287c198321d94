"""How mailstack is installed: the command that errors show, and that nothing takes it from a package index."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mailer.install import install_command
from tools.install import kept_profile

ROOT = Path(__file__).parents[3]
WHEEL = "file:///home/ada/dist/mailstack-0.1.0-py3-none-any.whl"
LOCALCLOUD_WHEEL = "file:///home/ada/dist/mailstack_localcloud-0.1.0-py3-none-any.whl"
GIT = "https://git.example.com/mailstack"
PAGES = (
    "README.md",
    "CHANGELOG.md",
    "Pulumi.yaml",
    "docs/*.md",
    "examples/**/*",
    "template/*",
    "infra/**/*",
    "mailer/**/*",
    "localcloud/**/*",
)
# An installer's command line, and a line of a requirements.txt, that name a distribution without an address.
NAME = r"mailstack(?:-localcloud)?+(?:\[[\w,.-]+\])?+"
COMMAND = re.compile(rf"""\b(?:pip install|uv add)\s(?:.*?\s)?["']?{NAME}(?![\w.-]|\s*@)""")
LINE = re.compile(rf"^{NAME}\s*(?:[<>~!=]=.*|[<>].*)?$")
# mailstack's extras that need the local cloud's distribution, asked for without that one's address.
LOCALCLOUD_LEFT_OUT = re.compile(
    r"^(?!.*mailstack-localcloud).*\b(?:pip install|uv add)\b.*mailstack\[[^]]*(?:testing|local)\b"
)


@pytest.mark.parametrize(
    ("recorded", "command"),
    [
        ({"url": WHEEL, "archive_info": {}}, f'pip install "mailstack[dns] @ {WHEEL}"'),
        (
            {"url": GIT, "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": "f00"}},
            f'pip install "mailstack[dns] @ git+{GIT}@main"',
        ),
        (
            {"url": GIT, "vcs_info": {"vcs": "git", "commit_id": "f00"}, "subdirectory": "python"},
            f'pip install "mailstack[dns] @ git+{GIT}@f00#subdirectory=python"',
        ),
        (
            {"url": "file:///home/ada/mailstack", "dir_info": {}},
            'pip install "mailstack[dns] @ file:///home/ada/mailstack"',
        ),
        (
            {"url": "file:///home/ada/my%20mail", "dir_info": {"editable": True}},
            'pip install --editable "/home/ada/my mail[dns]"',
        ),
        (None, 'pip install "mailstack[dns] @ $MAILSTACK"'),
    ],
    ids=["wheel", "git", "git-subdirectory", "folder", "editable", "not-recorded"],
)
def test_an_extra_comes_from_where_mailstack_came_from(
    recorded: dict[str, object] | None, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    record(recorded, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert install_command("dns") == command


def test_command_names_the_variable_where_nothing_is_installed():
    program = "from mailer.install import install_command; print(install_command('dns'))"
    ran = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == 'pip install "mailstack[dns] @ $MAILSTACK"'


@pytest.mark.parametrize(
    ("recorded", "command"),
    [
        (
            {"url": WHEEL, "archive_info": {}},
            f'pip install "mailstack-localcloud[pulumi] @ {LOCALCLOUD_WHEEL}" "mailstack[local] @ {WHEEL}"',
        ),
        (
            {"url": GIT, "vcs_info": {"vcs": "git", "commit_id": "f00"}, "subdirectory": "python"},
            (
                f'pip install "mailstack-localcloud[pulumi] @ git+{GIT}@f00#subdirectory=python/localcloud" '
                f'"mailstack[local] @ git+{GIT}@f00#subdirectory=python"'
            ),
        ),
        (
            {"url": "file:///home/ada/mailstack", "dir_info": {}},
            (
                'pip install "mailstack-localcloud[pulumi] @ file:///home/ada/mailstack/localcloud" '
                '"mailstack[local] @ file:///home/ada/mailstack"'
            ),
        ),
        (
            {"url": "file:///home/ada/mailstack", "dir_info": {"editable": True}},
            'pip install --editable "/home/ada/mailstack/localcloud[pulumi]" --editable "/home/ada/mailstack[local]"',
        ),
        (
            None,
            'pip install "mailstack-localcloud[pulumi] @ $MAILSTACK_LOCALCLOUD" "mailstack[local] @ $MAILSTACK"',
        ),
    ],
    ids=["wheel", "git-subdirectory", "folder", "editable", "not-recorded"],
)
def test_the_local_cloud_is_named_with_its_own_address(
    recorded: dict[str, object] | None, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    record(recorded, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert install_command("local") == command


def record(recorded: dict[str, object] | None, site_packages: Path) -> None:
    """Write what an installer records of where mailstack came from (PEP 610)."""
    installed = site_packages / "mailstack-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.4\nName: mailstack\nVersion: 0.1.0\n")
    if recorded:
        (installed / "direct_url.json").write_text(json.dumps(recorded))


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("pip install mailstack", True),
        ('pip install "mailstack[dns]"', True),
        ("`pip install -U 'mailstack[infra,dns]'`, and more", True),
        ("uv add mailstack", True),
        ("mailstack[infra]", True),
        ("mailstack>=0.1", True),
        ('pip install "mailstack[dns] @ $MAILSTACK"', False),
        ("mailstack[infra] @ ${MAILSTACK}", False),
        ("pip install dist/mailstack-0.1.0-py3-none-any.whl", False),
        ("the extra `mailstack[dns]` is one", False),
        ("pip install mailstack-localcloud", True),
        ('pip install "mailstack[testing] @ $MAILSTACK"', True),
        ('pip install "mailstack-localcloud @ $MAILSTACK_LOCALCLOUD" "mailstack[testing] @ $MAILSTACK"', False),
        ("mailstack:access:", False),
        ("pip install what mailstack-prod needs", False),
        ("mailstack = MailStack(", False),
    ],
)
def test_a_request_to_an_index_is_recognised(text: str, asks: bool):
    assert bool(from_an_index(text)) is asks


def test_nothing_asks_a_package_index_for_mailstack():
    """The project is on no index: a stranger who registers its name there would be installed by our pages."""
    files = [file for pattern in PAGES for file in ROOT.glob(pattern) if file.suffix in {".md", ".py", ".txt", ".yaml"}]
    found = {str(file.relative_to(ROOT)): from_an_index(file.read_text(encoding="utf-8")) for file in files}
    assert len(files) > 100
    assert {name: lines for name, lines in found.items() if lines} == {}


def from_an_index(text: str) -> list[str]:
    """The lines that have an installer look for mailstack by its name alone."""
    return [
        line
        for line in text.splitlines()
        if COMMAND.search(line) or LINE.match(line) or LOCALCLOUD_LEFT_OUT.match(line)
    ]


@pytest.mark.parametrize(
    ("stamp", "wanted", "expected"),
    [
        ('{"profile": "dev", "files": "of an older lock"}', "demo", "dev"),
        ('{"profile": "demo"}', "dev", "dev"),
        ('{"profile": "other"}', "demo", "demo"),
        ("not JSON", "demo", "demo"),
        ("[]", "demo", "demo"),
    ],
)
def test_tools_of_development_stay_after_an_update(tmp_path: Path, stamp: str, wanted: str, expected: str):
    (tmp_path / ".installed").write_text(stamp)
    assert kept_profile(tmp_path / ".installed", wanted) == expected


def test_page_of_installation_lists_each_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "guides" / "install.md").read_text(encoding="utf-8")
    listed = {
        name for row in re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert listed == set(project["optional-dependencies"])
