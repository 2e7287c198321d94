"""Translates `{% trans %}` when a template is compiled, so that a mail costs no look-up.

Jinja2's own extension looks each message up, and interpolates it, for every mail. Plural forms depend on a value of the
mail, so they stay with Jinja2.
"""

import re
from typing import TYPE_CHECKING, cast

from jinja2 import nodes
from jinja2.ext import InternationalizationExtension

if TYPE_CHECKING:
    from collections.abc import Callable
    from gettext import NullTranslations

    from jinja2 import Environment

_END = re.compile(r"endtrans\s*%\}")
_PLACE = re.compile(r"%(?:\((\w+)\)s|(%))")


class CompiledTranslations(InternationalizationExtension):
    """Jinja2's `{% trans %}` and `_()` with the words of one language; see `translate`."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Keep the line break after `{% endtrans %}`, which `trim_blocks` would remove: it ends a line of text."""
        del name, filename
        return _END.sub("endtrans +%}", source)

    def _make_node(
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,
        num_called_num: bool,
    ) -> nodes.Output:
        words: NullTranslations | None = getattr(self.environment, "words", None)
        if plural_expr is not None or words is None:
            return super()._make_node(
                singular, plural, context, variables, plural_expr, vars_referenced, num_called_num
            )
        translated = words.pgettext(context, singular) if context else words.gettext(singular)
        return nodes.Output(_interpolated(translated, variables))


def _interpolated(text: str, variables: dict[str, nodes.Expr]) -> list[nodes.Expr]:
    """The literal parts, and the expressions in their places. An unknown name becomes an undefined variable."""
    parts: list[nodes.Expr] = []
    end = 0
    for place in _PLACE.finditer(text):
        parts.append(nodes.TemplateData(text[end : place.start()]))
        name = place[1]
        parts.append(variables.get(name, nodes.Name(name, "load")) if name else nodes.TemplateData("%"))
        end = place.end()
    parts.append(nodes.TemplateData(text[end:]))
    return [part for part in parts if not isinstance(part, nodes.TemplateData) or part.data]


def translate(environment: "Environment", words: "NullTranslations") -> None:
    """Have an environment translate with these words. Its templates must not be compiled yet."""
    environment.policies["ext.i18n.trimmed"] = True
    environment.add_extension(CompiledTranslations)
    environment.extend(words=words)
    # Jinja2's extension adds the function when it is added itself.
    install = cast("Callable[..., None]", vars(environment)["install_gettext_translations"])
    install(words, newstyle=True)
