"""The HTML of the pages, and the headers that they are sent with."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

FOLDER = Path(__file__).parent / "templates"
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",  # an invitation's address is a secret
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Templates:
    """The templates of the folder `templates`."""

    def __init__(self) -> None:
        self._environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)

    def page(self, name: str, status: int = 200, *, address: str, **values: object) -> HTMLResponse:
        """A page as an answer, for the person who is signed in with an address; it is empty if nobody is."""
        return HTMLResponse(self._environment.get_template(name).render(values, address=address), status, HEADERS)
