"""Translates Handlebars (SendGrid, Mailgun), Mustachio (Postmark) and Mustache to Jinja2.

https://handlebarsjs.com/guide/, https://www.twilio.com/docs/sendgrid/for-developers/sending-email/using-handlebars,
https://postmarkapp.com/support/article/1077-template-syntax. In blocks over lists and objects, names are of the item.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from mailer.migrate.templates.uses import ITEMS, Problem, Use, Variable, field_name, literal

_TAG = re.compile(r"\{\{\{(?P<raw>[^{}]{1,500})\}\}\}|\{\{(?P<tag>[^{}]{1,500})\}\}")
_WORD = re.compile(r"\"(?:[^\"]{0,300})\"|'(?:[^']{0,300})'|[^\s\"']+")
_PATH = re.compile(r"(?:\.\./){0,10}(?:@root\.|this[./]|\.)?[A-Za-z_][\w-]{0,99}(?:[./][\w-]{1,100}){0,10}\Z", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,12})?\Z", re.ASCII)
_LINK = re.compile(r"(?:href|src)\s{0,5}=\s{0,5}[\"']\Z", re.IGNORECASE)
_LOOP = {"@index": "loop.index0", "@first": "loop.first", "@last": "loop.last", "@odd": "loop.index is even"}
_COMPARED = {
    "equals": "==",
    "eq": "==",
    "notEquals": "!=",
    "ne": "!=",
    "greaterThan": ">",
    "lessThan": "<",
    "gt": ">",
    "lt": "<",
}
_JOINED = {"and": "and", "or": "or"}
_UNSUBSCRIBE = ("unsubscribe", "unsubscribe_preferences", "asm_group_unsubscribe_raw_url", "unsubscribe_url")
_COMMENTS = (("{{!--", "--}}"), ("{{!", "}}"))


class _Block(NamedTuple):
    """An open block: what closes it, the Jinja2 that ends it, and the item that names inside belong to."""

    closes: str
    end: str
    item: str
    variable: Variable | None
    has_else: bool = False


class Untranslated(Exception):  # noqa: N818 - internal
    """A tag that is not translated; the text says why."""


class Handlebars:
    """Translates one template.

    Attributes:
        root: The variables.
        problems: What is not as it was.
    """

    def __init__(self, root: Variable, *, is_html: bool) -> None:
        self.root, self.problems, self._is_html = root, list[Problem](), is_html
        self._blocks: list[_Block] = []

    def translate(self, text: str) -> str:
        """The template in Jinja2. What is not translated is a comment there, and a problem."""
        text = _without_comments(text)
        kept: list[str] = []
        done = 0
        for tag in _TAG.finditer(text):
            kept.append(self._literal(text[done : tag.start()], text, done))
            line = text.count("\n", 0, tag.start()) + 1
            raw = tag["raw"]
            is_link = bool(_LINK.search(text[max(0, tag.start() - 20) : tag.start()]))
            kept.append(self._tag((raw or tag["tag"]).strip().strip("~").strip(), line, raw=bool(raw), is_link=is_link))
            done = tag.end()
        kept.append(self._literal(text[done:], text, done))
        while self._blocks:
            block = self._blocks.pop()
            self.problems.append(Problem(text.count("\n") + 1, f"The block {block.closes!r} is never closed."))
            kept.append(block.end)
        return "".join(kept)

    def _literal(self, part: str, text: str, start: int) -> str:
        safe = literal(part)
        if safe != part:
            self.problems.append(Problem(text.count("\n", 0, start) + 1, "A brace got a space behind it, for Jinja2."))
        return safe

    def _tag(self, tag: str, line: int, *, raw: bool, is_link: bool) -> str:
        try:
            if tag.startswith("#"):
                return self._open(tag[1:].strip(), line)
            if tag.startswith("/"):
                return self._close(tag[1:].strip())
            if tag in {"else", "^"} or tag.startswith(("else if ", "else ")):
                return self._else(tag)
            if tag.startswith("^"):
                return self._push(tag[1:].strip(), f"not {self._tested(tag[1:].strip())}")
            return self._print(tag.removeprefix("&").strip(), line, raw=raw or tag.startswith("&"), is_link=is_link)
        except Untranslated as reason:
            self.problems.append(Problem(line, f"{reason}: {{{{{tag[:80]}}}}}."))
            return "{# not translated #}"

    def _print(self, tag: str, line: int, *, raw: bool, is_link: bool) -> str:
        words = _WORD.findall(tag)
        if tag.startswith((">", "@content")):
            raise Untranslated("A partial or layout: extend a page of your own (docs/guides/templates.md)")
        if len(words) == 1 and words[0].lower() in _UNSUBSCRIBE:
            raise Untranslated("Unsubscribe links are the library's own (docs/guides/unsubscribe.md)")
        if words[:1] == ["insert"] and len(words) == 3 and words[2].strip("\"'").startswith("default="):  # noqa: PLR2004
            default = json.dumps(words[2].strip("\"'").removeprefix("default="), ensure_ascii=False)
            return f"{{{{ {self._path(words[1], Use.PRINTED, Use.TESTED)} or {default} }}}}"
        if words[:1] == ["length"] and len(words) == 2:  # noqa: PLR2004
            return f"{{{{ {self._path(words[1], Use.LISTED)}|length }}}}"
        if len(words) != 1:
            raise Untranslated("There is no such helper here; give the value as a field")
        if raw and self._is_html:
            self.problems.append(
                Problem(line, f"HTML in {words[0][:80]!r} is escaped here: write it into the template.")
            )
        if words[0] in _LOOP:
            return f"{{{{ {self._loop(words[0])} }}}}"
        return f"{{{{ {self._path(words[0], Use.LINK if is_link else Use.PRINTED)} }}}}"

    def _open(self, tag: str, line: int) -> str:
        words = _WORD.findall(tag)
        name, arguments = (words[0], words[1:]) if words else ("", [])
        if name == "each" and arguments:
            return self._each(name, arguments[0])
        if name in {"if", "unless"} and len(arguments) == 1:
            test = self._tested(arguments[0])
            return self._push(name, f"not {test}" if name == "unless" else test)
        if (name in _COMPARED or name in _JOINED) and len(arguments) == 2:  # noqa: PLR2004
            return self._push(name, self._comparison(name, arguments))
        if name == "with" and len(arguments) == 1:
            return self._within(name, arguments[0])
        if len(words) == 1:  # a section of Mustache and Mustachio
            note = f"{{{{#{name[:80]}}}}} is taken for an object: write {{{{#each}}}} first where it is a list."
            self.problems.append(Problem(line, note))
            return self._within(name, name)
        self._blocks.append(_Block(name, "", self._item, self._variable))
        raise Untranslated("There is no such block here; its content is kept")

    def _each(self, closes: str, path: str) -> str:
        listed = self._path(path, Use.LISTED)
        variable, depth = self._found(path), sum(block.end == "{% endfor %}" for block in self._blocks)
        item = ITEMS[min(depth, len(ITEMS) - 1)]
        self._blocks.append(_Block(closes, "{% endfor %}", item, variable))
        return f"{{% for {item} in {listed} %}}"

    def _within(self, closes: str, path: str) -> str:
        """A block in which names belong to an object, if there is one."""
        expression, variable = self._path(path, Use.TESTED), self._found(path)
        self._blocks.append(_Block(closes, "{% endif %}", expression, variable))
        return f"{{% if {expression} %}}"

    def _push(self, closes: str, test: str) -> str:
        self._blocks.append(_Block(closes, "{% endif %}", self._item, self._variable))
        return f"{{% if {test} %}}"

    def _else(self, tag: str) -> str:
        if not self._blocks or not self._blocks[-1].end:
            raise Untranslated("There is no block that it belongs to")
        if self._blocks[-1].has_else:
            raise Untranslated("The block has an else already")
        words = _WORD.findall(tag)[1:]
        if not words:
            self._blocks[-1] = self._blocks[-1]._replace(has_else=True)
            return "{% else %}"
        if self._blocks[-1].end != "{% endif %}" or words[0] not in {"if", *_COMPARED, *_JOINED}:
            raise Untranslated("There is no such branch here")
        two = len(words) == 3  # noqa: PLR2004
        test = self._comparison(words[0], words[1:]) if words[0] != "if" and two else self._tested(words[-1])
        return f"{{% elif {test} %}}"

    def _close(self, name: str) -> str:
        if not self._blocks:
            raise Untranslated("No block is open")
        block = self._blocks.pop()
        if block.closes != name:
            self._blocks.append(block)
            raise Untranslated(f"The open block is {block.closes[:40]!r}")
        return block.end

    def _comparison(self, name: str, arguments: list[str]) -> str:
        if name in _JOINED:
            return f"({self._tested(arguments[0])} {_JOINED[name]} {self._tested(arguments[1])})"
        use = Use.NUMBER if _COMPARED[name] in {"<", ">"} or any(map(_NUMBER.match, arguments)) else Use.PRINTED
        left, right = (self._value(argument, use) for argument in arguments)
        return f"{left} {_COMPARED[name]} {right}"

    def _value(self, word: str, use: Use) -> str:
        if word[:1] in {'"', "'"}:
            return json.dumps(word[1:-1], ensure_ascii=False)
        return word if _NUMBER.match(word) or word in {"true", "false"} else self._path(word, use)

    def _tested(self, word: str) -> str:
        return self._loop(word) if word in _LOOP else self._path(word, Use.TESTED)

    def _loop(self, word: str) -> str:
        if not any(block.end == "{% endfor %}" for block in self._blocks):
            raise Untranslated("It is in no loop")
        return _LOOP[word]

    @property
    def _item(self) -> str:
        return self._blocks[-1].item if self._blocks else ""

    @property
    def _variable(self) -> Variable | None:
        return self._blocks[-1].variable if self._blocks else self.root

    def _path(self, path: str, *uses: Use) -> str:
        """The expression of a path, whose variable is used so."""
        expression, variable = self._resolved(path)
        variable.uses |= set(uses)
        return expression

    def _found(self, path: str) -> Variable:
        return self._resolved(path)[1]

    def _resolved(self, path: str) -> tuple[str, Variable]:
        if path in {"this", "."}:
            if not self._blocks or self._variable is None or not self._item:
                raise Untranslated("It is in no block over a list or an object")
            return self._item, self._variable
        if not _PATH.match(path):
            raise Untranslated("It is no name of a variable")
        frames = self._frames()
        up = path.count("../")
        item, variable = frames[max(0, len(frames) - 1 - up)]
        rest = path.replace("../", "")
        if rest.startswith("@root."):
            item, variable, rest = "", self.root, rest[6:]
        rest = rest.removeprefix("this.").removeprefix("this/").removeprefix(".")
        names = [field_name(one) for one in re.split(r"[./]", rest)]
        for name in names:
            variable = variable.part(name)
        return ".".join([item, *names] if item else names), variable

    def _frames(self) -> list[tuple[str, Variable]]:
        """The objects that names may belong to, from the outside in."""
        frames = [("", self.root)]
        for block in self._blocks:
            if block.variable is not None and block.item and frames[-1][0] != block.item:
                frames.append((block.item, block.variable))
        return frames


def _without_comments(text: str) -> str:
    """The text with its lines, and without comments."""
    for begin, end in _COMMENTS:
        text = "".join(_kept(text, begin, end))
    return text


def _kept(text: str, begin: str, end: str) -> Iterator[str]:
    done = 0
    while (start := text.find(begin, done)) >= 0:
        stop = text.find(end, start)
        if stop < 0:
            break
        yield text[done:start] + "\n" * text.count("\n", start, stop)
        done = stop + len(end)
    yield text[done:]
