"""The move, step by step: each command as a person enters it, and what came of it."""

import os
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mailer import Mailer

from .after import confirm
from .before import confirm as confirm_before

PROJECT = Path(__file__).parent / "project"
MODULE = "mailstack_migration.py"
STACK = "local"
# Seconds that a command may take.
PATIENCE = 300.0
_ENV = """\
# The mail of the shop
SMTP_HOST=127.0.0.1
SMTP_PORT={port}
MAIL_FROM="Example <no-reply@example.test>"
AWS_REGION=us-east-1
ADMIN_EMAIL=ada@example.test
"""


@dataclass
class Shop:
    """The shop's folder, and what its process manager knows.

    Attributes:
        folder: With `.env`, and where commands run.
        resolver: The name server of the shop's domain, `HOST:PORT`.
        say: Writes a line.
        said: What the commands wrote.
    """

    folder: Path
    resolver: str = ""
    say: Callable[[str], None] = print
    said: list[str] = field(default_factory=list[str])

    def open(self, smtp_port: int) -> None:
        """Put the files of before in place."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in PROJECT.iterdir():
            shutil.copy(file, self.folder)
        (self.folder / ".env").write_text(_ENV.format(port=smtp_port))

    @property
    def variables(self) -> dict[str, str]:
        """The variables of `.env`, as a process manager hands them on."""
        lines = (self.folder / ".env").read_text().splitlines()
        pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        return {name: value.strip('"') for name, value in pairs}

    def run(self, *arguments: str) -> int:
        """Run a command of `mailer` in the folder, and show it; return its exit status."""
        self.say(f"\n$ mailer {' '.join(arguments)}")
        done = subprocess.run(
            [sys.executable, "-m", "mailer", *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        self.said.append(done.stdout + done.stderr)
        self.say((done.stdout + done.stderr).rstrip())
        return done.returncode

    def check(self) -> int:
        """Tick the check-list."""
        options = ("--resolver", self.resolver) if self.resolver else ()
        list_ = ("--suppressions", "old-bounces.csv")
        return self.run("migrate", ".env", "--stack", STACK, "--check", *list_, *options)

    def mailer(self) -> Mailer:
        """The mailer of the moment: that of the written module, or at the end that of the stack alone."""
        path = self.folder / MODULE
        if not path.exists():
            return Mailer.from_stack(self.variables["MAILSTACK_STACK"])
        created: Mailer = runpy.run_path(str(path))["create_mailer"](self.variables)
        return created

    def orders(self, numbers: Iterable[int]) -> Counter[str]:
        """Confirm orders; return how many mails went which way."""
        with self.mailer() as mailer:
            ways = Counter(confirm(mailer, number, f"customer{number}@example.com") for number in numbers)
        self.say(f"  orders confirmed: {', '.join(f'{count} {way}' for way, count in sorted(ways.items()))}")
        return ways

    def order_before(self, number: int) -> None:
        """Confirm an order as the application did before."""
        os.environ.update(self.variables)
        self.say(f"  order confirmed: {confirm_before(number, 'customer0@example.com')}")
        for name in self.variables:
            os.environ.pop(name)

    def share(self, share: str) -> None:
        """Choose the share of recipients whose mail goes through SES."""
        self.run("migrate", ".env", "--stack", STACK, "--write", "--share", share)

    def clean_up(self) -> None:
        """Delete the old variables, the fallback and the copies."""
        (self.folder / ".env").write_text(f"MAILSTACK_STACK={STACK}\n")
        (self.folder / MODULE).unlink()
        shutil.rmtree(self.folder / ".mailstack-backup")
