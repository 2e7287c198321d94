"""The tutorial and the guide of Django run as they are written, in a project that they add to."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mailer.testing import Ses
from mailer.verification import new_key
from mailstack_localcloud import LocalCloud
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[3] / "docs"
PAGES = (DOCS / "tutorial" / "django.md", DOCS / "guides" / "django.md")
_BLOCK = re.compile(r"(?:^`(?P<file>[\w/.]+)`\n\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
# What a project has before: as `django-admin startproject` writes it, without what mail does not need.
SETTINGS = """
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "of tests alone"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
ROOT_URLCONF = "shop.urls"
"""
SECRETS = {"SMTP_PASSWORD": "of tests alone", "MICROSOFT365_SECRET": "of tests alone"}
SENDER = "from mailer.django import get_mailer; print(get_mailer().outputs.sender)"
SET_UP = "import django\n\ndjango.setup()\n"


class Project:
    """A project named `shop` in a folder of its own, beside a cloud."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = {**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "shop.settings"}
        (folder / "shop").mkdir()
        (folder / "shop" / "__init__.py").touch()
        (folder / "shop" / "urls.py").write_text("urlpatterns = []\n")
        (folder / "manage.py").write_text(
            "from django.core.management import execute_from_command_line as run\n\nrun()\n"
        )

    def set(self, name: str, value: str) -> None:
        """Set a variable of the environment."""
        self._environment[name] = value

    def run(self, *command: str) -> str:
        ran = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def follow(self, page: Path) -> str:
        """Write the files of a page, run its commands, then its other Python as one program; return the output."""
        blocks = [match.groupdict() for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))]
        for block in blocks:
            if block["file"]:
                before = SETTINGS if block["file"].endswith("settings.py") else ""
                (self.folder / block["file"]).write_text(before + block["code"], encoding="utf-8")
        commands = "".join(block["code"] for block in blocks if block["kind"] == "sh")
        printed = [self.run(*line.split()[1:]) for line in commands.splitlines()]
        program = "\n".join(block["code"] for block in blocks if block["kind"] == "python" and not block["file"])
        (self.folder / "program.py").write_text(SET_UP + program, encoding="utf-8")
        return "".join([*printed, self.run("program.py")])


@pytest.fixture
def ses(cloud: LocalCloud) -> Ses:
    """A stack named `prod`, whose account may send from example.com, too."""
    given = Ses(cloud)
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.com")
    cloud.control("POST", "identities/example.com/verify")
    return given


@pytest.fixture
def project(ses: Ses, tmp_path: Path) -> Project:
    prod = ses.outputs.model_copy(update={"stack": "prod"})
    return Project(tmp_path, {**ses.cloud.environment(), "MAILSTACK_OUTPUTS": prod.to_json()})


def test_tutorial_of_django_runs(ses: Ses, project: Project):
    printed = project.follow(PAGES[0])
    assert "success@simulator.amazonses.com  sent" in printed
    assert "no issues" in printed
    assert [(mail.subject, mail.to) for mail in ses.sent] == [
        ("Test mail", ("success@simulator.amazonses.com",)),
        ("Hello", ("ada@example.com",)),
        ("Welcome to example.test", ("bob@example.com",)),
    ]


def test_guide_of_django_runs(ses: Ses, project: Project):
    printed = project.follow(PAGES[1])
    assert "ada@example.com sent" in printed
    assert [mail.subject for mail in ses.sent] == [
        "Test mail",
        "Your invoice",
        *["Welcome to example.test"] * 3,
        "Hello",
    ]
    project.run(
        "-c",
        "import logging.config, shop.logs, shop.settings, django; django.setup(); "
        "logging.config.dictConfig(shop.logs.LOGGING); "
        "import shop.urls",
    )


def test_transports_of_the_guide_send_for_the_project(project: Project):
    project.follow(PAGES[1])
    settings = project.folder / "shop" / "settings.py"
    for path in ("by_smtp", "by_microsoft365"):
        words = f"\nMAILSTACK = {{'TRANSPORT': 'shop.mail.{path}', 'STORE': 'django', 'OUTBOX': True}}\n"
        settings.write_text(settings.read_text(encoding="utf-8") + words, encoding="utf-8")
        assert "no issues" in project.run("manage.py", "check")
        program = (
            "import django; django.setup(); from mailer.django import get_mailer; print(get_mailer().outputs.sender)"
        )
        assert project.run("-c", f"import os; os.environ |= {SECRETS}; {program}") == "Shop <no-reply@example.com>\n"


def test_backend_without_the_application_sends(ses: Ses, project: Project):
    given = 'EMAIL_BACKEND = "mailer.django.EmailBackend"\nMAILSTACK = {"STACK": "prod"}\n'
    (project.folder / "shop" / "settings.py").write_text(SETTINGS + given, encoding="utf-8")
    program = "from django.core.mail import send_mail; print(send_mail('Hello', 'Hello', None, ['ada@example.com']))"
    assert project.run("-c", f"{SET_UP}{program}") == "1\n"
    assert [mail.to for mail in ses.sent] == [("ada@example.com",)]


SIGN_UP = """
import re
from django.core.management import call_command
from django.test import Client
from django.contrib.auth.models import User
from mailer.django import get_verification

given = {"username": "eve", "email": "eve@example.com", "password1": "a long phrase", "password2": "a long phrase"}
print(Client().post("/sign-up", given).content.decode())
get_verification().close()
print("active", User.objects.get(username="eve").is_active)
print([Client().post("/sign-up", {**given, "username": f"eve{n}"}).status_code for n in range(5)])
"""
VERIFY = """
import sys
from django.test import Client
from django.contrib.auth.models import User

print(Client().get(f"/verify/{sys.argv[1]}").content.decode())
print(Client().post(f"/verify/{sys.argv[1]}").content.decode())
print("active", User.objects.get(username="eve").is_active)
print(Client().post(f"/verify/{sys.argv[1]}").content.decode())
"""
EXTENDED = """
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [BASE_DIR]}]
MAILSTACK["STORE"] = "django"
MAILSTACK["VERIFY_URL"] = "https://shop.example.com/verify/{token}"
ALLOWED_HOSTS = ["testserver"]
"""
URLS = """
from django.urls import path
from shop import registration

urlpatterns = [path("sign-up", registration.sign_up), path("verify/<str:token>", registration.verify)]
"""


def test_sign_up_of_the_guide_works(ses: Ses, project: Project):
    project.set("MAILSTACK_VERIFICATION_KEYS", new_key())
    project.follow(PAGES[1])
    settings = project.folder / "shop" / "settings.py"
    settings.write_text(settings.read_text() + EXTENDED)
    (project.folder / "shop" / "urls.py").write_text(URLS)
    (project.folder / "shop" / "verify.html").write_text("ready: {{ is_ready }}")
    (project.folder / "shop" / "verified.html").write_text("outcome: {{ outcome }}")
    project.run("manage.py", "migrate", "--verbosity", "0")
    printed = project.run("-c", f"{SET_UP}{SIGN_UP}")
    # The first one counts, too.
    assert printed.splitlines() == ["Look into your mail.", "active False", "[200, 200, 200, 200, 429]"]
    mail = next(mail for mail in ses.sent if mail.to == ("eve@example.com",))
    (link,) = {link for link in mail.links if "/verify/" in link}
    printed = project.run("-c", f"{SET_UP}{VERIFY}", link.rpartition("/")[2])
    assert printed.splitlines() == ["ready: True", "outcome: accepted", "active True", "outcome: repeated"]
    with pytest.raises(AssertionError, match="active, or was active before"):
        project.run("manage.py", "mailer_resend_verification", "eve@example.com")


def test_suppression_of_the_stack_stops_django(ses: Ses, project: Project):
    project.follow(PAGES[0])
    ses.behave("*@gone.test", "bounce")
    project.run("manage.py", "mailer_test", "ada@gone.test")
    ses.process_feedback()
    with pytest.raises(AssertionError, match=r"ada@gone\.test  suppressed"):
        project.run("manage.py", "mailer_test", "ada@gone.test")


def test_check_of_a_deployment_asks_the_cloud(ses: Ses, project: Project):
    project.follow(PAGES[0])
    printed = project.run("-c", f"{SET_UP}from mailer.django.checks import check_stack; print(check_stack())")
    assert "sandbox" in printed or "identity" in printed or "pagers" in printed


def test_guide_names_every_key_of_the_setting():
    from mailer.django.config import KEYS

    text = PAGES[1].read_text(encoding="utf-8")
    assert [key for key in KEYS if f"`{key}`" not in text] == []
