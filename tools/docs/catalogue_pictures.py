"""Takes the pictures of docs/reference/catalogue.md in chromium, from the gallery of `mailer preview`."""

import base64
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from mailer.preview.collection import Collection
from mailer.preview.server import serve
from tests.chromium import Page, chromium
from tools.docs.catalogue import BRAND, PICTURES, SUFFIX

_WIDTH, _QUALITY = 420, 50


def main(folder: str) -> None:
    """Write a picture of each template of the catalog."""
    collection = Collection([], BRAND)
    target = Path(folder) / PICTURES
    target.mkdir(exist_ok=True)
    with serve(collection, 0) as server, TemporaryDirectory() as profile, chromium(Path(profile)) as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for old in set(target.glob(f"*.{SUFFIX}")) - {target / f"{name}.{SUFFIX}" for name in collection.kinds}:
            old.unlink()
        for name in collection.kinds:
            page = browser.page(f"http://127.0.0.1:{server.server_port}/mail/{name}")
            (target / f"{name}.{SUFFIX}").write_bytes(_picture(page))
        server.shutdown()


def _picture(page: Page) -> bytes:
    page.window(_WIDTH, 100)
    page.window(_WIDTH, int(page.evaluate("document.documentElement.scrollHeight")))
    taken = page.call("Page.captureScreenshot", format=SUFFIX, quality=_QUALITY)
    return base64.b64decode(taken["data"])


if __name__ == "__main__":
    main(*sys.argv[1:])
