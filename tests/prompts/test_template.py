"""Prompts are templates with a question and passages."""

from pathlib import Path

import pytest
from slmrag.errors import UserError
from slmrag.prompts.template import check_template, render

PROMPTS = Path("config/prompts")
PASSAGES = [
    {"id": str(i), "title": f"Title {i}", "text": f"text {i} of five words"} for i in range(3)
]


def test_the_modes_differ_in_the_context_block_alone():
    """Taking the context block out of a prompt with passages leaves the one without context."""
    without = render((PROMPTS / "no_context.jinja").read_text(), "Who?", [])
    template = (PROMPTS / "with_context.jinja").read_text()
    block = "".join(f"{p['title']}: {p['text']}\n\n" for p in PASSAGES)
    full = render(template, "Who?", PASSAGES)
    assert block in full
    assert full.replace(block, "") == without == render(template, "Who?", [])


def test_a_prompt_ends_where_the_answer_begins():
    """A prompt ends in 'Answer:' without white space, as a base model wants it."""
    for name in ("no_context", "with_context"):
        template = (PROMPTS / f"{name}.jinja").read_text()
        assert render(template, "Who?", PASSAGES).endswith("Question: Who?\nAnswer:")


def test_a_passage_without_a_title_shows_no_colon():
    """A passage whose title is empty is its text alone."""
    template = (PROMPTS / "with_context.jinja").read_text()
    assert "\n\nalone\n\n" in render(template, "Who?", [{"id": "1", "title": "", "text": "alone"}])


def test_what_a_data_set_says_is_never_a_template():
    """Braces in a question or a passage come out as they went in."""
    nasty = "{{ 7 * 7 }}{% raw %}"
    text = render("{{ passages[0].text }} {{ question }}", nasty, [{"text": nasty}])
    assert text == f"{nasty} {nasty}"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for %}", r"p\.jinja, line 1: "),
        ("a\n{{ question }\n", r"p\.jinja, line 2: "),
        ("{{ question }} {{ pasages }}", r"p\.jinja: 'pasages' is undefined; .*can use question"),
        ("{{ passages|length }}", r"p\.jinja: the prompt lacks \{\{ question \}\}"),
        ("{{ question.__class__.__mro__ }}", r"p\.jinja: "),
    ],
)
def test_a_wrong_template_is_one_sentence(template, message):
    """A template that cannot work is refused with its file, its line and what to do."""
    with pytest.raises(UserError, match=message):
        check_template(template, "p.jinja")
