"""`mailer preview`: a gallery of templates in the browser, on this machine alone."""

import sys
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING

from mailer.cli.data import brand_of
from mailer.cli.output import flush, line
from mailer.cli.stack import add_stack_option, outputs_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mailer.mailer import Mailer

HELP = "look at templates in the browser, with live reload"
PORT = 8025
EXAMPLES = """\
examples:
  mailer preview
  mailer preview shop.mails --brand brand.toml
  mailer preview shop.mails:OrderShipped --no-catalog --port 8080
  mailer preview --stack dev --send-to ada@example.com

The gallery shows each template with the values of its class attribute `sample`, or with made-up ones: on a phone and
a desktop, light and dark, without images, as plain text, with its headers and sizes, in each language. A change of
.mjml, .html, .txt, .po or .py is shown at once; compiled .html and .mo are brought up to date. "Difference" compares
with the last commit of git. It listens on 127.0.0.1 alone and ends with Ctrl+C. With --stack, the brand is that of the
stack.
"""


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("templates", nargs="*", metavar="TEMPLATES", help="modules, or module:Class")
    command.add_argument("--brand", metavar="BRAND", help="a TOML or JSON file, or module:NAME")
    command.add_argument("--no-catalog", action="store_true", help="leave out the templates of mailer.catalog")
    command.add_argument("--port", type=int, default=PORT, help=f"0 for a free one; {PORT} when left out")
    command.add_argument("--send-to", metavar="ADDRESS", help="show a button that sends the mail there, by the stack")
    add_stack_option(command)
    command.add_argument("--open", action="store_true", help="open the browser")


def run(given: "Namespace") -> int:
    """Serve the gallery until it is interrupted."""
    from mailer.preview.collection import Collection
    from mailer.preview.outgoing import Outgoing
    from mailer.preview.server import serve
    from mailer.templates.brand import Brand

    mailer = _mailer(given)
    brand = mailer.brand if mailer else brand_of(given.brand) or Brand(name="Example", support="help@example.com")
    collection = Collection(given.templates, brand, catalog=not given.no_catalog)
    outgoing = Outgoing(mailer, given.send_to) if mailer and given.send_to else None
    with serve(collection, given.port, outgoing) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        line(f"{len(collection.kinds)} templates: {url}")
        flush()
        if given.open and not webbrowser.open(url):
            sys.stderr.write("No browser was found; open the address yourself.\n")
        with suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.2)
    return 0


def _mailer(given: "Namespace") -> "Mailer | None":
    """A mailer of the stack, where its brand or a recipient is asked for."""
    if not (given.send_to or given.stack):
        return None
    from mailer.mailer import Mailer

    return Mailer(outputs_of(given), brand=brand_of(given.brand))
