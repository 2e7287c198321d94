"""The difference between a template and the one of the last commit, in real git repositories."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.errors import TemplateError
from mailer.preview import committed, git
from mailer.preview.app import Gallery
from mailer.preview.collection import Collection
from mailer.preview.comparison import marked
from mailer.templates.brand import Brand
from tests.unit.mailer.test_preview import BRAND, HOST, MODULE, get, touch

MJML = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"
INCLUDE = '<mj-include path="../shared/part.mjml" />'


class Shop:
    """A module of templates in a folder of a repository."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.folder, self.name = root, root / "mails", name
        self.folder.mkdir()
        self.module = self.folder / f"{name}.py"
        self.module.write_text(MODULE)
        self.write("parcel.txt", "Parcel {{ number }} is on its way.")
        self.write("parcel.html", "<p>Parcel <b>{{ number }}</b></p>")

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        touch(file, text)

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        return subprocess.run(
            ["git", "-C", str(self.root), *who, *arguments], check=True, capture_output=True, text=True
        ).stdout

    def commit(self, subject: str = "Add a parcel") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)

    def gallery(self, **brand: object) -> Gallery:
        named = Brand.model_validate({**BRAND.model_dump(), **brand})
        return Gallery(Collection([self.name], named, catalog=False), [HOST])


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Templates outside of a repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    shop = Shop(tmp_path, f"shop_of_{os.urandom(4).hex()}")
    monkeypatch.syspath_prepend(shop.folder)
    yield shop
    sys.modules.pop(shop.name, None)


@pytest.fixture
def shop(plain: Shop) -> Shop:
    """Templates that are committed."""
    plain.git("init", "--quiet")
    plain.commit()
    return plain


def difference(app: Gallery, name: str = "parcel", query: str = "") -> dict[str, object]:
    get(app, "/version")
    return json.loads(get(app, f"/difference/{name}", query)[2])


def before(app: Gallery, name: str = "parcel") -> str:
    return get(app, f"/mail/{name}", "commit=last")[2].decode()


def test_unchanged_template_has_no_difference(shop: Shop):
    found = difference(shop.gallery())
    assert found == {
        "commit": shop.git("rev-parse", "HEAD").strip(),
        "label": f'{shop.git("rev-parse", "--short", "HEAD").strip()} "Add a parcel"',
        "problem": "",
        "parts": {},
    }


def test_changed_parts_are_compared_by_words(shop: Shop):
    app = shop.gallery()
    shop.write("parcel.txt", "Parcel {{ number }} is almost on its way.")
    assert difference(app)["parts"] == {
        "Plain text": [["same", "Parcel 3 is"], ["new", " almost"], ["same", " on its way.\n"]],
    }
    shop.write("parcel.html", "<p>Parcel <i>{{ number }}</i></p>")
    assert list(difference(app)["parts"]) == ["Plain text", "HTML"]  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert before(app) == "<p>Parcel <b>3</b></p>"
    assert get(app, "/mail/parcel")[2] == b"<p>Parcel <i>3</i></p>"


def test_subject_of_the_commit_is_read_from_its_source(shop: Shop):
    app = shop.gallery()
    get(app, "/version")
    touch(shop.module, MODULE.replace("Parcel {{", "Your parcel {{"))
    assert difference(app)["parts"] == {
        "Subject": [["gone", "Parcel"], ["new", "Your parcel"], ["same", " 3"]],
    }


def test_module_of_the_commit_is_not_run(shop: Shop):
    ran = shop.root / "ran"
    touch(shop.module, f"{MODULE}\nopen({str(ran)!r}, 'w').close()\n")
    shop.commit()
    touch(shop.module, MODULE)
    assert difference(shop.gallery())["problem"] == ""
    assert not ran.exists()


def test_commit_makes_the_difference_vanish(shop: Shop):
    app = shop.gallery()
    shop.write("parcel.txt", "Parcel {{ number }} has arrived.")
    assert difference(app)["parts"]
    seen = json.loads(get(app, "/version/parcel")[2])
    shop.commit("Say that it has arrived")
    now = json.loads(get(app, "/version/parcel")[2])
    assert now["version"] == seen["version"]
    assert now["commit"] != seen["commit"]
    assert difference(app)["parts"] == {}
    assert json.loads(get(app, "/version")[2])["commit"] == ""


def test_mjml_and_its_includes_come_from_the_commit(shop: Shop):
    (shop.folder / "parcel.html").unlink()
    shop.write("../shared/part.mjml", "<mj-text>Old</mj-text>")
    shop.write("parcel.mjml", MJML.format(INCLUDE))
    shop.commit()
    app = shop.gallery()
    shop.write("../shared/part.mjml", "<mj-text>New</mj-text>")
    get(app, "/version")
    assert ">Old<" in before(app)
    assert ">New<" in get(app, "/mail/parcel")[2].decode()


def test_own_files_and_words_come_from_the_commit(shop: Shop):
    shop.write("own/parcel.html", "<p>{% trans %}Old{% endtrans %}</p>")
    shop.write(
        "own/locales/es.po",
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8"\n\nmsgid "Old"\nmsgstr "Viejo"\n',
    )
    shop.commit()
    app = shop.gallery(templates=shop.folder / "own")
    shop.write(
        "own/locales/es.po",
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8"\n\nmsgid "Old"\nmsgstr "Antiguo"\n',
    )
    assert difference(app, query="locale=es")["parts"]["HTML"] == [["gone", "<p>Viejo</p>"], ["new", "<p>Antiguo</p>"]]  # pyright: ignore[reportArgumentType, reportCallIssue, reportIndexIssue]


def test_new_template_is_not_in_the_last_commit(shop: Shop):
    shop.git("rm", "--quiet", "--cached", "mails/parcel.html", "mails/parcel.txt")
    shop.git("commit", "--quiet", "--message", "Remove the parcel")
    assert "parcel is not in the last commit" in str(difference(shop.gallery())["problem"])
    assert get(shop.gallery(), "/mail/parcel", "commit=last")[0] == "422 Unprocessable Content"


def test_commit_that_does_not_fit_the_class_says_so(shop: Shop):
    shop.write("parcel.html", "<p>{{ weight }}</p>")
    shop.commit()
    shop.write("parcel.html", "<p>{{ number }}</p>")
    problem = str(difference(shop.gallery())["problem"])
    assert problem.startswith("The files of the last commit cannot be rendered with today's class: ")
    assert "'weight' is undefined" in problem


def test_error_of_today_is_shown(shop: Shop):
    shop.write("parcel.html", "{{ nubmer }}")
    assert "'nubmer' is undefined" in str(difference(shop.gallery())["problem"])


def test_folder_outside_of_a_repository_says_so(plain: Shop):
    assert str(difference(plain.gallery())["problem"]).strip() == f"{plain.folder} is in no git repository."


def test_repository_without_a_commit_says_so(plain: Shop):
    plain.git("init", "--quiet")
    assert "has no commit yet" in str(difference(plain.gallery())["problem"])


def test_missing_git_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(shop.root))
    assert "git is not installed" in str(difference(shop.gallery())["problem"])


def test_slow_git_has_a_time_limit(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    (shop.root / "git").write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    (shop.root / "git").chmod(0o700)
    monkeypatch.setenv("PATH", str(shop.root))
    monkeypatch.setattr(git, "_SECONDS", 0.1)
    assert "gave no answer" in str(difference(shop.gallery())["problem"])


def test_large_templates_are_not_compared(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(git, "_MOST_BYTES", 20)
    assert "gave more than" in str(difference(shop.gallery())["problem"])
    commit = git.Commit(shop.root, "HEAD", "")
    monkeypatch.setattr(git, "_MOST_BYTES", 1)
    monkeypatch.setattr(git, "_files", lambda _: [(Path("a"), b"0", 2)])
    with pytest.raises(TemplateError, match="larger than"):
        git.export(commit, lambda _: True, shop.root)


def test_template_of_the_package_is_not_compared(plain: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(committed, "_PACKAGE", plain.folder)
    assert "comes with the package" in str(difference(plain.gallery())["problem"])


def test_repository_of_a_hook_is_not_used(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_DIR", str(shop.root / "elsewhere"))
    assert difference(shop.gallery())["problem"] == ""


def test_comparing_writes_nothing_to_the_repository(shop: Shop):
    def stamps() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in shop.root.rglob("*") if "__pycache__" not in path.parts}

    app = shop.gallery()
    shop.write("parcel.txt", "New")
    seen = stamps()
    assert difference(app)["parts"]
    assert stamps() == seen


def test_links_of_a_repository_are_not_followed(shop: Shop, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (shop.folder / "parcel.txt").unlink()
    (shop.folder / "parcel.txt").symlink_to(secret)
    shop.commit()
    app = shop.gallery()
    (shop.folder / "parcel.txt").unlink()
    shop.write("parcel.txt", "Parcel")
    get(app, "/version")
    assert "secret" not in json.dumps(difference(app))


def test_equal_words_around_a_change_are_shortened():
    words = " ".join(map(str, range(400)))
    found = marked(f"{words} old", f"{words} new")
    assert [state for state, _ in found] == ["same", "gone", "new"]
    assert " […] " in found[0][1]
    assert len(found[0][1]) < 400


def test_texts_of_many_words_are_shown_whole():
    found = marked("a " * 30_000, "b " * 30_000)
    assert [state for state, _ in found] == ["gone", "new"]
