import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mailstack_infra.functions.packages import FOLDER, Package, PackagingError, Sources
from mailstack_infra.functions.packages import build as build_into
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[4]

FUNCTIONS = ("feedback", "sending_guard", "account_monitor")
# What the Lambda runtime has beside the standard library: boto3 and all that it stands on.
RUNTIME = ("boto3", "botocore", "jmespath", "s3transfer", "urllib3", "dateutil", "six.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what goes into the zips."""
    copy = tmp_path / "project"
    for folder in ("mailer", "lambdas"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def build(function: str, project: Path) -> Package:
    """The zip of a function from the sources of a project, written there."""
    return build_into(function, project / FOLDER, Sources(functions=project / "lambdas", library=project))


def write(project: Path, source: str) -> None:
    folder = project / "lambdas" / "mine"
    folder.mkdir()
    (folder / "handler.py").write_text(source, encoding="utf-8")


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_same_sources_give_the_same_bytes(function: str, project: Path, tmp_path: Path):
    first = build(function, project)
    content = first.path.read_bytes()
    other = shutil.copytree(project, tmp_path / "elsewhere", ignore=shutil.ignore_patterns(".build"))
    for number, file in enumerate(other.rglob("*.py")):
        os.utime(file, (1_000_000_000 + number, 1_000_000_000 + number))
        file.chmod(0o600)
    again = build(function, other)
    assert again.path.read_bytes() == content
    assert again.sha256_base64 == first.sha256_base64


def test_another_source_gives_another_hash(project: Path):
    before = build("feedback", project).sha256_base64
    with (project / "mailer" / "feedback" / "policy.py").open("a", encoding="utf-8") as policy:
        policy.write("# changed\n")
    assert build("feedback", project).sha256_base64 != before


def test_the_hash_is_the_one_that_lambda_computes(project: Path):
    package = build("feedback", project)
    assert package.path == project / ".build" / "feedback.zip"
    digest = hashlib.sha256(package.path.read_bytes()).digest()
    assert package.sha256_base64 == base64.b64encode(digest).decode()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_zip_is_small_and_holds_sources_alone(function: str, project: Path):
    package = build(function, project)
    assert package.path.stat().st_size < 200_000
    assert all(re.fullmatch(r"handler\.py|(mailer|idna)/.*\.py", name) for name in names(package.path))
    assert not {"idna/cli.py", "idna/codec.py"} & set(names(package.path))
    assert [path.name for path in package.path.parent.iterdir()] == [f"{function}.zip"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_zip_gives_back_the_sources(function: str, project: Path):
    with zipfile.ZipFile(build(function, project).path) as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            is_handler = entry.filename == "handler.py"
            source = project / "lambdas" / function / "handler.py" if is_handler else project / entry.filename
            if not entry.filename.startswith("idna/"):
                assert archive.read(entry) == source.read_bytes()
            assert (entry.compress_type, entry.date_time[:3]) == (zipfile.ZIP_DEFLATED, (1980, 1, 1))
            assert entry.external_attr >> 16 == 0o100644


def test_a_zip_holds_what_the_handler_reaches_and_no_more(project: Path):
    write(
        project,
        "def handle(event, context):\n    from mailer.feedback.policy import redact\n    return redact(event)\n",
    )
    found = names(build("mine", project).path)
    assert found == sorted(found)
    assert {"mailer/__init__.py", "mailer/feedback/__init__.py", "mailer/feedback/events.py"} <= set(found)
    assert not {"mailer/stack.py", "mailer/functions/guard.py", "mailer/stores/dynamodb/table.py"} & set(found)


@pytest.mark.parametrize(
    "source",
    [
        "if handle:\n    pass\nelse:\n    import mailer.errors\n",
        "for _ in ():\n    pass\nelse:\n    import mailer.errors\n",
        "try:\n    pass\nexcept OSError:\n    import mailer.errors\n",
        "try:\n    pass\nfinally:\n    import mailer.errors\n",
        "with handle:\n    import mailer.errors\n",
        "match handle:\n    case _:\n        import mailer.errors\n",
        "class Handler:\n    async def handle(self):\n        import mailer.errors\n",
    ],
)
def test_imports_are_found_at_every_level(project: Path, source: str):
    write(project, source)
    assert "mailer/errors.py" in names(build("mine", project).path)


def test_an_import_for_type_checking_alone_does_not_count(project: Path):
    write(
        project,
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pydantic\nelse:\n    import mailer.errors\n",
    )
    found = names(build("mine", project).path)
    assert found == [
        "handler.py",
        "mailer/__init__.py",
        "mailer/collision.py",
        "mailer/errors.py",
        "mailer/redaction.py",
    ]


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import pydantic\n", "pydantic"),
        ("def handle(event, context):\n    import jinja2.sandbox\n", "jinja2.sandbox"),
        ("from mailstack_infra.functions.packages import build\n", "mailstack_infra.functions.packages"),
        ("from mailer.stack import StackOutputs\n", "pydantic"),
        ("from . import sibling\n", "lambdas.mine"),
    ],
)
def test_an_import_missing_from_the_lambda_is_refused(project: Path, source: str, module: str):
    write(project, source)
    with pytest.raises(PackagingError, match=rf"\.py:\d+ imports {module}"):
        build("mine", project)


def test_missing_function_is_an_error(project: Path):
    with pytest.raises(PackagingError, match="no function 'nothing'"):
        build("nothing", project)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_zip_imports_where_there_is_nothing_but_boto3(function: str, project: Path, tmp_path: Path):
    site = Path(pytest.__file__).parent.parent
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for name in RUNTIME:
        (runtime / name).symlink_to(site / name)
    script = f"""
import sys
sys.path[:0] = [{str(build(function, project).path)!r}, {str(runtime)!r}]
import handler
assert handler.__file__.startswith(sys.path[0]), handler.__file__
assert callable(handler.handle)
import boto3
for absent in ("pydantic", "jinja2", "pulumi", "mypy_boto3_dynamodb"):
    assert absent not in sys.modules
    try:
        __import__(absent)
    except ModuleNotFoundError:
        continue
    raise AssertionError(absent + " is there: this is no clean environment")
if "mailer.address" in sys.modules:
    key = sys.modules["mailer.address"].address_key("ada@faß.example")
    assert key == "ada@xn--fa-hia.example", key
    assert sys.modules["idna"].__file__.startswith(sys.path[0])
print(sorted(name for name in sys.modules if name.startswith("mailer")))
"""
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "'mailer.functions.batch'" in ran.stdout
