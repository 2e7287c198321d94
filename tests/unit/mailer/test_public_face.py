"""What users import and read: the names of `mailer`, its signatures, its exceptions, and the guides that show them."""

import inspect
import re
import warnings
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from pydantic import BaseModel

import mailer
from mailer import Mailer, MailerError
from mailer.cli import main
from mailer.doctor.inconclusive import Missing, NotApplicable, Unanswered
from mailer.doctor.mta_sts import InvalidPolicy
from mailer.doctor.smtp import LoginRefused, NotReached
from mailer.doctor.web import NoPage
from mailer.migrate.templates.handlebars import Untranslated
from mailer.redaction import Cause
from mailer.transports.smtp_connection import Lost, NoLogin, SmtpRefusal
from mailer.wire import errors as wire_errors
from mailer.wire.http import Malformed
from tests.django_project import set_up

set_up()

ROOT = Path(__file__).parents[3]
PUBLIC_MODULES = (
    "mailer",
    "mailer.asgi",
    "mailer.catalog",
    "mailer.django",
    "mailer.django.signals",
    "mailer.testing",
    "mailer.verification",
    "mailer.webhooks",
)
_IMPORT = re.compile(r"^\s*from (mailer[\w.]*) import (?:\(([^)]*)\)|(.+))$", re.MULTILINE)
_MENTIONED = re.compile(r"`mailer\.([A-Z]\w*|[a-z_]+\.\w+)")
_DRAWN = re.compile(r"^((?:│   |    |├── |└── )*)([A-Z]\w+)(?: \((\w+)\))?(?:  |$)", re.MULTILINE)


def guides() -> list[Path]:
    places = [
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("*.md"),
        *ROOT.glob("examples/**/*.py"),
        *ROOT.glob("examples/**/*.md"),
    ]
    return [place for place in places if ".venv" not in place.parts]


def modules() -> Iterator[Any]:
    for found in walk_packages(mailer.__path__, "mailer."):
        if not found.name.endswith("__main__"):
            yield import_module(found.name)


def exceptions() -> set[type[BaseException]]:
    return {
        value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseException) and value.__module__.startswith("mailer.")
    }


def drawn(text: str) -> dict[str, tuple[str, str]]:
    """Of each class in a drawing: its parent, and the further base in parentheses."""
    found: dict[str, tuple[str, str]] = {}
    line_of: list[str] = []
    for indent, name, further in _DRAWN.findall(text):
        depth = len(indent) // 4
        line_of[depth:] = [name]
        found[name] = (line_of[depth - 1] if depth else "", further)
    return found


def bases(kinds: Iterable[type[BaseException]]) -> dict[str, tuple[str, str]]:
    result: dict[str, tuple[str, str]] = {}
    for kind in kinds:
        first, *further = (base.__name__ for base in kind.__bases__)
        result[kind.__name__] = ("" if first == "Exception" else first, further[0] if further else "")
    return result


def test_guides_import_public_names_only():
    imported = [
        (guide.name, module, name.split(" as ")[0].strip())
        for guide in guides()
        for module, several, one in _IMPORT.findall(guide.read_text(encoding="utf-8"))
        for name in re.sub(r"#.*", "", several or one).split(",")
        if name.strip()
    ]
    assert len(imported) > 20
    internal = [one for one in imported if one[1] not in PUBLIC_MODULES or one[2] not in import_module(one[1]).__all__]
    assert not internal


def test_names_that_guides_mention_are_public():
    text = "".join(guide.read_text(encoding="utf-8") for guide in guides() if guide.suffix == ".md")
    names = {name for name in _MENTIONED.findall(text) if name[0].isupper()}
    assert names <= set(mailer.__all__)


def test_all_errors_are_public():
    assert {kind.__name__ for kind in exceptions() if issubclass(kind, MailerError)} <= set(mailer.__all__)


def test_error_tree_in_the_docstring_is_complete():
    assert drawn(mailer.errors.__doc__ or "") == bases({one for one in exceptions() if issubclass(one, MailerError)})


def test_tree_of_wire_errors_is_complete():
    found = bases({one for one in exceptions() if issubclass(one, wire_errors.WireError)})
    assert drawn(wire_errors.__doc__ or "") == found


def test_other_exceptions_are_internal():
    others = {one for one in exceptions() if not issubclass(one, MailerError | wire_errors.WireError)}
    of_doctor = {Missing, NotApplicable, Unanswered, InvalidPolicy, NoPage, NotReached, LoginRefused}
    assert others == {Malformed, Cause, Lost, NoLogin, SmtpRefusal, *of_doctor, Untranslated}


def test_packages_that_are_not_public_say_so():
    packages = [module for module in modules() if hasattr(module, "__path__") and module.__name__ not in PUBLIC_MODULES]
    assert [one.__name__ for one in packages if not (one.__doc__ or "").startswith("Internal: ")] == []


def public_functions() -> Iterator[Any]:
    for name in mailer.__all__:
        value = getattr(mailer, name)
        if inspect.isfunction(value):
            yield value
        elif inspect.isclass(value) and not issubclass(value, BaseModel):
            yield from (one for name, one in inspect.getmembers(value, is_function) if not name.startswith("_"))


def is_function(value: object) -> bool:
    return inspect.isfunction(value) or inspect.ismethod(value)


def test_public_signatures_are_written_out():
    hidden = [
        function.__qualname__
        for function in public_functions()
        if (getattr(function, "__module__", "") or "").startswith("mailer")
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.VAR_KEYWORD
    ]
    assert hidden == []


def test_send_and_compose_take_the_parts_of_a_message():
    parts = inspect.signature(mailer.Message).parameters.keys() - {"text", "html", "template", "raw"}
    sending = parts | {"idempotency_key"}
    queueing = sending | {"connection", "send_at", "expires_at", "priority", "render"}
    methods = ((Mailer.send, sending), (Mailer.asend, sending), (Mailer.compose, parts))
    for method, expected in (*methods, (Mailer.enqueue, queueing), (Mailer.aenqueue, queueing)):
        assert inspect.signature(method).parameters.keys() - {"self", "content"} == expected
    arguments = inspect.getdoc(Mailer.send) or ""
    assert all(f"\n    {part}: " in arguments for part in sending)


def test_from_stack_takes_what_the_constructor_takes():
    constructor, from_stack = (inspect.signature(one).parameters.keys() for one in (Mailer, Mailer.from_stack))
    assert constructor - from_stack == set()


@pytest.fixture
def django_mailer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed distribution, as pip would record it."""
    record = tmp_path / "django_mailer-2.3.2.dist-info" / "METADATA"
    record.parent.mkdir()
    record.write_text("Metadata-Version: 2.1\nName: django-mailer\nVersion: 2.3.2\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("django_mailer")
def test_a_name_of_django_mailer_warns_of_the_collision():
    with pytest.warns(RuntimeWarning, match="django-mailer is installed"):
        assert not hasattr(mailer, "send_html_mail")


def test_unknown_name_alone_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not hasattr(mailer, "send_html_mail")


def test_command_refuses_an_overwritten_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(mailer, "__all__", ["send_mail"])
    assert main(["stack"]) == 2
    assert "pip uninstall django-mailer" in capsys.readouterr().err
