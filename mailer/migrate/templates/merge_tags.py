"""Translates merge tags of Mailchimp and Mandrill, `*|NAME|*`, to Jinja2.

https://mailchimp.com/developer/transactional/docs/templates-dynamic-content/#mailchimp-merge-language.
"""

import json
import re

from mailer.migrate.templates.uses import Problem, Use, Variable, field_name, literal

_TAG = re.compile(r"\*\|([^|*\n]{1,200})\|\*")
_LINK = re.compile(r"(?:href|src)\s{0,5}=\s{0,5}[\"']\Z", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][\w-]{0,99}\Z", re.ASCII)
_TEST = re.compile(
    r"(?P<name>[A-Za-z_][\w-]{0,99})\s{0,5}(?:(?P<sign>!=|>=|<=|=|>|<)\s{0,5}(?P<value>[^=<>!]{0,100}))?\Z", re.ASCII
)
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,12})?\Z", re.ASCII)
_FILTERS = {"UPPER": "upper", "LOWER": "lower", "TITLE": "title", "URL": "urlencode"}
_UNSUBSCRIBE = ("UNSUB", "UPDATE_PROFILE", "ABUSE_EMAIL")


class MergeTags:
    """Translates one template.

    Attributes:
        root: The variables.
        problems: What is not as it was.
    """

    def __init__(self, root: Variable, *, is_html: bool) -> None:
        self.root, self.problems, self._is_html = root, list[Problem](), is_html
        self._has_else: list[bool] = []  # of each block that is open

    def translate(self, text: str) -> str:
        """The template in Jinja2. What is not translated is a comment there, and a problem."""
        kept: list[str] = []
        done = 0
        for tag in _TAG.finditer(text):
            line = text.count("\n", 0, tag.start()) + 1
            kept.append(literal(text[done : tag.start()]))
            is_link = bool(_LINK.search(text[max(0, tag.start() - 20) : tag.start()]))
            kept.append(self._tag(tag[1].strip(), line, is_link=is_link))
            done = tag.end()
        kept.append(literal(text[done:]))
        if self._has_else:
            self.problems.append(Problem(text.count("\n") + 1, "A block IF is never closed."))
        return "".join(kept) + "{% endif %}" * len(self._has_else)

    def _tag(self, tag: str, line: int, *, is_link: bool) -> str:
        name, colon, rest = tag.partition(":")
        name = name.upper()
        if name in {"IF", "IFNOT", "ELSEIF"} and colon:
            return self._test(name, rest.strip(), line, tag)
        if name == "END" and self._has_else:
            self._has_else.pop()
            return "{% endif %}"
        if name == "ELSE" and self._has_else:
            return self._else(line, tag)
        return self._print(name, rest if colon else "", line, tag, is_link=is_link)

    def _else(self, line: int, tag: str) -> str:
        if self._has_else[-1]:
            return self._problem(line, "The block IF has an ELSE already", tag)
        self._has_else[-1] = True
        return "{% else %}"

    def _print(self, name: str, rest: str, line: int, tag: str, *, is_link: bool) -> str:
        if tag.upper() == "MC:SUBJECT":
            return "{{ subject }}"
        if name == "HTML" and self._is_html:
            self._problem(line, "HTML is escaped here: write it into the template", tag)
        if name in {"HTML", *_FILTERS} and _NAME.match(rest):
            filter_ = f"|{_FILTERS[name]}" if name in _FILTERS else ""
            return f"{{{{ {self._variable(rest, Use.PRINTED)}{filter_} }}}}"
        if name in _UNSUBSCRIBE:
            return self._problem(line, "Unsubscribe links are the library's own (docs/guides/unsubscribe.md)", tag)
        if not _NAME.match(tag):
            return self._problem(line, "There is no such tag here; give the value as a field", tag)
        return f"{{{{ {self._variable(tag, Use.LINK if is_link else Use.PRINTED)} }}}}"

    def _test(self, kind: str, text: str, line: int, tag: str) -> str:
        found = _TEST.match(text)
        if found is None or (kind == "ELSEIF" and (not self._has_else or self._has_else[-1])):
            return self._problem(line, "This test is not known; its content is kept", tag)
        test = self._condition(found["name"], found["sign"], (found["value"] or "").strip())
        if kind == "ELSEIF":
            return f"{{% elif {test} %}}"
        self._has_else.append(False)
        return f"{{% if {'not ' if kind == 'IFNOT' else ''}{test} %}}"

    def _condition(self, name: str, sign: str | None, value: str) -> str:
        if not sign:
            return self._variable(name, Use.TESTED)
        is_number = bool(_NUMBER.match(value)) and sign not in {"=", "!="}
        variable = self._variable(name, Use.NUMBER if is_number else Use.PRINTED)
        right = value if is_number else json.dumps(value, ensure_ascii=False)
        return f"{variable} {'==' if sign == '=' else sign} {right}"

    def _variable(self, name: str, use: Use) -> str:
        field = field_name(name.lower())
        self.root.part(field).uses.add(use)
        return field

    def _problem(self, line: int, words: str, tag: str) -> str:
        self.problems.append(Problem(line, f"{words}: *|{tag[:80]}|*."))
        return "{# not translated #}"
