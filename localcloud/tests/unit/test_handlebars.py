"""The part of Handlebars that SES's templates use."""

from typing import Any

import pytest

from mailstack_localcloud.ses.handlebars import RenderingError, Template, TemplateError

ADA = {
    "contact": {"firstName": "Ada", "first name": "Ada L."},
    "subscription": [{"interest": "Sports"}, {"interest": "Travel"}],
    "list": ["a", "b"],
    "empty": [],
    "yes": True,
    "no": False,
    "none": None,
    "html": "<b>&</b>",
    "key": "firstName",
    "n": 3,
}
RENDERED = {
    "plain text, { and }": "plain text, { and }",
    "Hello {{contact.firstName}}!": "Hello Ada!",
    "{{ contact/firstName }} {{contact.[first name]}} {{this.contact.firstName}}": "Ada Ada L. Ada",
    "{{html}} {{{html}}} {{&html}}": "<b>&</b> <b>&</b> <b>&</b>",
    "{{yes}} {{n}} {{none}}{{list}} {{list.1}} {{list.length}}": "true 3 a,b b 2",
    "{{#if yes}}y{{else}}n{{/if}}{{#if nothing}}y{{else}}n{{/if}}": "yn",
    "{{#if no}}1{{else if yes}}2{{else}}3{{/if}}{{#if empty}}4{{/if}}": "2",
    "{{#unless no}}shown{{/unless}}{{#unless yes}}hidden{{/unless}}": "shown",
    "{{#each subscription}}{{@index}}{{interest}}{{#unless @last}}, {{/unless}}{{/each}}": "0Sports, 1Travel",
    "{{#each subscription}}{{../n}}{{@root.n}}{{#if @first}}!{{/if}}{{/each}}": "33!33",
    "{{#each list}}{{this}}{{.}}{{else}}none{{/each}}{{#each empty}}x{{else}}none{{/each}}": "aabbnone",
    "{{#each contact}}{{@key}}={{this}};{{/each}}": "firstName=Ada;first name=Ada L.;",
    "{{#with contact}}{{firstName}}{{/with}}{{#with nothing}}x{{else}}none{{/with}}": "Adanone",
    "{{#contact}}{{firstName}}{{/contact}}{{#list}}{{.}}{{/list}}{{#yes}}{{n}}{{/yes}}{{^no}}not{{/no}}": "Adaab3not",
    '{{lookup contact "firstName"}} {{lookup contact key}}': "Ada Ada",
    '{{#* inline "name"}}<{{firstName}}>{{/inline}}{{> name contact}}{{#contact}}{{> name}}{{/contact}}': "<Ada><Ada>",
    "a{{! a comment }}b{{!-- another, with {{n}} --}}c": "abc",
    "a  {{~n~}}  b": "a3b",
}
LACKING = {
    "{{surname}}": "Attribute 'surname' is not present in the rendering data.",
    "{{contact.surname}}": "Attribute 'contact.surname' is not present in the rendering data.",
    "{{list.9}}": "Attribute 'list.9' is not present in the rendering data.",
    "{{#each subscription}}{{n}}{{/each}}": "Attribute 'n' is not present in the rendering data.",
    "{{> nothing}}": "The partial nothing could not be found.",
    '{{#*inline "p"}}{{> p}}{{/inline}}{{> p}}': "The template refers to itself without end.",
}
WRONG = {
    "{{oops": "A tag is not closed",
    "{{#if yes}}": "{{#if}} is not closed",
    "{{/if}}": "{{/if}} closes nothing",
    "{{#if yes}}{{/each}}": "{{#if}} is closed by {{/each}}",
    "{{#if}}x{{/if}}": "takes 1 argument",
    "{{uppercase name}}": "is not known",
    "{{#repeat 3}}x{{/repeat}}": "Helper repeat is not known",
}


@pytest.mark.parametrize(("template", "text"), RENDERED.items())
def test_template_renders_as_handlebars_without_escaping(template: str, text: str):
    assert Template(template).render(ADA) == text


@pytest.mark.parametrize(("template", "problem"), LACKING.items())
def test_missing_variable_is_reported_in_the_words_of_ses(template: str, problem: str):
    with pytest.raises(RenderingError) as raised:
        Template(template).render(ADA)
    assert str(raised.value) == problem


@pytest.mark.parametrize(("template", "problem"), WRONG.items())
def test_a_template_that_is_not_well_formed_does_not_compile(template: str, problem: str):
    with pytest.raises(TemplateError) as raised:
        Template(template)
    assert problem in str(raised.value)


def test_one_compiled_template_serves_different_data():
    template = Template("{{#each who}}{{name}}{{/each}}")
    both: list[dict[str, Any]] = [{"who": [{"name": "Ada"}]}, {"who": [{"name": "Grace"}, {"name": "Ada"}]}]
    assert [template.render(data) for data in both] == ["Ada", "GraceAda"]
