"""What a mail costs the application: `mailer` beside bare boto3, django-ses and anymail, in one run.

Every client runs in a process of its own and sends the same mail (text and HTML of the template `Welcome`, one
recipient, who changes) to a server on loopback that answers as SES and DynamoDB do. `mailer` renders, checks, looks the
recipient up in DynamoDB and sends; the peers are given the finished text and send. Clients take turns in every round.

Read the ratios ("/ boto3"). CPU time is the client's own; a busy machine stretches it for all alike.
"""

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from benchmarks.sending import measures, picture
from benchmarks.sending.clients import BARE, CLIENTS, MAILER, RAW, Content, content
from benchmarks.sending.measures import Row, Size, Stub
from benchmarks.sending.report import DOCS, Section, as_data, conditions, markdown, write_between_markers

if TYPE_CHECKING:
    from collections.abc import Callable

_EXAMPLES = """
examples:
  python -m benchmarks.sending                            all of it, as tables
  python -m benchmarks.sending --only mailer --rounds 3   mailer and its references, quickly
  python -m benchmarks.sending --json > run.json          for programs, to compare two versions
  make bench                                              writes docs/development/performance.md and its picture
  make bench MAILS=1000000                                the same, and mailer's memory after a million mails
"""


def environment(endpoint: str) -> dict[str, str]:
    """What an application would be given, with AWS's documentation's keys and nothing of this machine's set-up."""
    return {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "",  # an installed application has its bytecode
    }


def _clear_environment() -> None:
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower() == "no_proxy"]:
        del os.environ[name]


_NOTES = {
    "A mail": "Medians over {rounds} rounds of {messages} mails, each with {kilobytes:.1f} kB of text and HTML. "
    "Latency is that of one mail after the other, with a server that answers at once.",
    "Many mails": "Medians over {rounds} rounds of at least 2,000 mails, and megabytes by which a long run grew. "
    "`send_many` gets finished text and HTML, the same for all unless the row says more, and sends with 16 threads.",
    "Memory": "Resident megabytes of the process, and by how many it had grown after so many mails.",
    "Import": "Milliseconds of a process that imports and ends, over bare Python's: medians of {rounds} rounds. "
    "`limit` is what we hold ourselves to, in CPU on an idle machine.",
    "First mail": "From the start of the process until its first mail is accepted: medians of {rounds} starts.",
}


def measured(stub: Stub, clients: list[str], mail: Content, size: Size, *, only: bool) -> list[Section]:
    kilobytes = len((mail.text + mail.html).encode()) / 1000
    tasks: dict[str, Callable[[], dict[str, Row]]] = {
        "A mail": lambda: measures.mails(stub, clients, mail, size),
        **({} if only else {"Many mails": lambda: measures.many(stub, mail, size)}),
        "Memory": lambda: measures.memory(clients, mail, size),
        "Import": lambda: measures.imports(size.rounds),
        "First mail": lambda: measures.first_mails(clients, mail, size),
    }
    taken: list[Section] = []
    for title, measure in tasks.items():
        print(f"measuring: {title}", file=sys.stderr, flush=True)
        note = _NOTES[title].format(rounds=size.rounds, messages=size.messages, kilobytes=kilobytes)
        taken.append(Section(title, note, measure()))
    return taken


def drawn(sections: list[Section]) -> tuple[str, str]:
    """The picture and its text alternative."""
    values = {name: row["CPU / boto3"] or 0.0 for name, row in sections[0].rows.items()}
    title = "CPU time of a mail, divided by bare boto3's"
    return picture.bars(title, values, ours=MAILER, cut=3.5), picture.alternative(title, values)


def write(sections: list[Section], facts: dict[str, str]) -> None:
    svg, alternative = drawn(sections)
    (DOCS / "performance.svg").write_text(svg, encoding="utf-8")
    write_between_markers(DOCS / "performance.md", markdown(sections, facts, "performance.svg", alternative))


def chosen(only: list[str]) -> list[str]:
    """All clients, or those whose name has one of the words, with the references that ratios need."""
    return [name for name in CLIENTS if not only or name in {RAW, BARE} or any(word in name for word in only)]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sending",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=7, help="how often each figure is taken (default: 7)")
    parser.add_argument("--messages", type=int, default=200, help="mails of a client in a round (default: 200)")
    parser.add_argument(
        "--mails", type=int, default=10_000, help="read the memory after so many; mailer's alone beyond 10,000"
    )
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="clients with this in their name")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write docs/development/performance.md and docs/development/performance.svg, too",
    )
    given = parser.parse_args()
    if given.rounds < 1 or given.messages < 1 or given.mails < 1:
        parser.error("--rounds, --messages and --mails are numbers from 1")
    if given.write and given.only:
        parser.error("--write needs every client; leave --only out")
    return given


def main() -> None:
    given = arguments()
    size = Size(given.rounds, given.messages, min(given.mails, 10_000), given.mails)
    _clear_environment()
    with measures.stub_server() as stub:
        os.environ.update(environment(stub.url))
        sections = measured(stub, chosen(given.only), content(), size, only=bool(given.only))
    facts = conditions()
    if given.write:
        write(sections, facts)
    if given.json:
        json.dump(as_data(sections, facts), sys.stdout, ensure_ascii=False)
        print()
        return
    for section in sections:
        print(f"\n{section.title}. {section.note}\n\n{section.table()}")


if __name__ == "__main__":
    main()
