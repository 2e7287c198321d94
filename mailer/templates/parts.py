"""Fills compiled files in, in one language or two. Not for finding or compiling them; see `mailer.templates.engine`."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from mailer.address import BIDI_CONTROL
from mailer.errors import TemplateError

if TYPE_CHECKING:
    from jinja2 import Template

    from mailer.locales.language import Language
    from mailer.templates.base import EmailTemplate

# The block that a mail in two languages has twice.
CONTENT = "content"
_MAX_SUBJECT = 78  # RFC 5322 §2.1.1: a line should be no longer
# A name or title that looks like an encoded word (RFC 2047 §2), which mail programs decode and a message refuses.
_ENCODED_WORD = re.compile(r"=(?=\?[^?\s]+\?[bq]\?)", re.IGNORECASE)
# Conditions and blocks in text leave blank lines behind.
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A template without variables, rendered once."""

    text: str

    def render(self, _: object) -> str:
        """The text."""
        return self.text


@dataclass(frozen=True, slots=True)
class Files:
    """A template class's files, compiled for a language."""

    subject: "Template | Fixed"
    preheader: "Template | Fixed"
    text: "Template"
    html: "Template | None"


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail in two languages takes from the second: its subject, and its block `content`."""

    subject: str = ""
    text: str = ""
    html: str = ""


ONE_LANGUAGE = Content()


def parts(files: Files, values: dict[str, object], language: "Language", more: Content) -> tuple[str, str, str]:
    """Subject, text and HTML, in the order in which they may use each other."""
    context = _context(files, values, language)
    both = f"{context['subject']} / {more.subject}"
    if more.subject and len(both) <= _MAX_SUBJECT:
        context["subject"] = both
    html = files.html.render(context, other_language=more.html) if files.html else ""
    text = files.text.render(context, other_language=more.text)
    return str(context["subject"]), _BLANK_LINES.sub("\n\n", text).strip() + "\n", html


def second_content(
    kind: "type[EmailTemplate]", files: Files, values: dict[str, object], language: "Language"
) -> Content:
    """What follows below the first language.

    Raises:
        TemplateError: A file has no block `content`.
    """
    context = {**_context(files, values, language), "other_language": ""}
    text = f"\n\n* * *\n\n{_block(kind, files.text, context).strip()}\n"
    html = _block(kind, files.html, context) if files.html else ""
    opening = f'<div lang="{language.tag}" dir="{language.dir}" style="padding-top:16px">'
    wrapped = Markup(f"{opening}{html}</div>")  # noqa: S704 - rendered above; a tag has letters and digits only
    return Content(str(context["subject"]), text, wrapped)


def _context(files: Files, values: dict[str, object], language: "Language") -> dict[str, object]:
    context = {**values, "lang": language.tag, "locale": language}
    # Numbers of Arabic have marks, `mailer.templates.isolation` sets some around values, people have them in names.
    subject = _one_line(BIDI_CONTROL.sub("", files.subject.render(context)))
    context["subject"] = _ENCODED_WORD.sub("= ", subject)
    context["preheader"] = _one_line(files.preheader.render(context))
    return context


def _block(kind: "type[EmailTemplate]", template: "Template", context: dict[str, object]) -> str:
    block = template.blocks.get(CONTENT)
    if block is None:
        raise TemplateError(
            f"{kind.__name__} cannot be sent in two languages: a file of it has no block named {CONTENT}.",
            hint=f"Wrap the content: {{% block {CONTENT} %}}...{{% endblock %}}{{{{ other_language }}}}.",
        )
    return "".join(block(template.new_context(context)))


def _one_line(text: str) -> str:
    return " ".join(text.split())
