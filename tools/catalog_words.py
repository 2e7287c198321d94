"""Brings mailer/locales/words/*.po up to date with the catalog and the layout, and compiles them."""

from datetime import UTC, datetime
from io import BytesIO

from babel.messages.pofile import read_po, write_po

from mailer.catalog import FOLDERS
from mailer.locales.catalogues import OWN
from mailer.templates.extract import own_messages, read
from mailer.templates.translating import compile_catalogues, problems

# Of no interest, and otherwise different each time.
_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_HEADER = "# The words of the layout and of the catalog. Not reviewed by native speakers.\n"


def main() -> None:
    """Update each catalogue, and print what is to be translated."""
    wanted = read(None, [*FOLDERS, *own_messages()])
    for path in sorted(OWN.glob("*.po")):
        catalogue = read_po(BytesIO(path.read_bytes()), locale=path.stem.replace("-", "_"))
        catalogue.update(wanted, no_fuzzy_matching=True)
        catalogue.header_comment = _HEADER
        catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = "mailstack"
        catalogue.creation_date = catalogue.revision_date = _DATE
        with path.open("wb") as file:
            write_po(file, catalogue, width=100, ignore_obsolete=True)
        for problem in problems(path, wanted):
            print(problem)
    compile_catalogues(OWN)


if __name__ == "__main__":
    main()
