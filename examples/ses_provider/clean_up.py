"""Delete what is old, from the service's tables and the library's: `python -m examples.ses_provider.clean_up`.

Run it once a day. With `--erase ADDRESS` it deletes what is kept of one person.
"""

import argparse
import os
from datetime import timedelta

from mailer import SqlStores

from .app import engine_of
from .records import delete_of, delete_older
from .settings import Settings


def main(arguments: list[str] | None = None) -> None:
    """Delete, and say how much."""
    parser = argparse.ArgumentParser(prog="python -m examples.ses_provider.clean_up", description=__doc__)
    parser.add_argument("--days", type=int, default=90, help="keep bounces and complaints so long (default: 90)")
    parser.add_argument("--erase", metavar="ADDRESS", help="delete what is kept of this person")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment(os.environ)
    engine = engine_of(settings)
    with SqlStores(settings.store) as stores:
        if given.erase:
            deleted = delete_of(engine, given.erase) + stores.erase(given.erase)
        else:
            deleted = delete_older(engine, timedelta(days=given.days)) + sum(stores.clean_up().values())
    engine.dispose()
    print(f"{deleted} rows deleted")  # noqa: T201 - what a command says


if __name__ == "__main__":
    main()
