"""Walk the whole move on this machine: `python -m examples.smtp_migration`."""

import argparse
import os
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

from mailstack_localcloud import LocalCloud

from .cloud import DOMAIN, deploy
from .names import serving
from .postfix import PostfixMissing, running
from .walk import STACK, Shop

# What would lead AWS clients, or the commands, elsewhere.
MISLEADING = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "MAILSTACK_OUTPUTS", "MAILSTACK_STACK", "MAILSTACK_STORE")


def main() -> None:
    """Start Postfix and a local cloud, and go every step."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was started ends, too
    parser = argparse.ArgumentParser(prog="python -m examples.smtp_migration", description=__doc__)
    parser.add_argument(
        "--folder", type=empty_folder, help="where the shop's files go, to look at; default: one that is deleted"
    )
    folder: Path | None = parser.parse_args().folder
    with ExitStack() as ends:
        try:
            smtp = ends.enter_context(running())
        except PostfixMissing as error:
            raise SystemExit(str(error)) from error
        scratch = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="shop-")))
        cloud = ends.enter_context(LocalCloud.start())
        for name in MISLEADING:
            os.environ.pop(name, None)
        os.environ.update(cloud.environment())
        walk(Shop(folder or scratch / "shop"), cloud, smtp.port, scratch, ends)


def empty_folder(given: str) -> Path:
    """A folder, created if there is none, as a type of argparse.

    Raises:
        ArgumentTypeError: It cannot be created, nothing can be created in it, or it has files, which the shop's could
            replace.
    """
    folder = Path(given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            words = f"{given} is not empty, and the shop's files could replace what is there. Name an empty folder"
            raise argparse.ArgumentTypeError(words)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        why = "it is a file" if isinstance(error, FileExistsError) else f"{error.strerror}: {error.filename}"
        words = f"{given} cannot hold the shop's files: {why}. Name a folder, or a path where one can be created"
        raise argparse.ArgumentTypeError(words) from error


def walk(shop: Shop, cloud: LocalCloud, smtp_port: int, scratch: Path, ends: ExitStack) -> None:
    """Every step of the move, in order.

    Args:
        shop: The shop, whose files are put in place.
        cloud: An empty local cloud, which this process's AWS clients find.
        smtp_port: Of the old server on 127.0.0.1.
        scratch: For the state of the stack.
        ends: What must be ended.
    """
    shop.say("\n1. Before: smtplib and an SMTP server")
    shop.open(smtp_port)
    shop.order_before(1)
    shop.say("\n2. What each setting becomes, and the new settings: a fifth of the customers first")
    shop.share("0.2")
    shop.say("\n3. Deploy the stack with the settings that were written, and import the old bounces")
    outputs = deploy(cloud, shop.folder / f"Pulumi.{STACK}.yaml", scratch / "state.json")
    shop.resolver = f"127.0.0.1:{ends.enter_context(serving(DOMAIN, outputs))}"
    shop.run("suppressions", "import", "old-bounces.csv", "--stack", STACK)
    shop.say("\n4. Some go through SES, the others as before; what is left to do")
    shop.orders(range(100, 130))
    shop.check()
    shop.say("\n5. All go through SES, and through the old server while SES is down")
    shop.share("1")
    with cloud.fault("throttle", operation="SendEmail"):
        shop.orders(range(200, 203))
    shop.orders(range(300, 310))
    shop.say("\n6. The old variables, the fallback and the copies are deleted; the list is ticked")
    shop.clean_up()
    shop.orders(range(400, 405))
    shop.check()


if __name__ == "__main__":
    main()
