"""The page in a real browser without network."""

import csv

import polars as pl
import pytest
import report_comparison
from slmrag.reporting.formats import show

from tests.report.made_up import MadeUp
from tests.report.webdriver import CHROMIUM, DRIVER, browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"
    ),
]
SHOWN = """
return [...document.querySelectorAll('#table-cells tbody tr')].filter(row => !row.hidden)
  .map(row => Object.fromEntries([...row.cells].map(cell => [cell.dataset.c, cell.innerText])))
"""
CHOOSE = """
const list = document.querySelectorAll('#pairs select')[arguments[0]];
list.value = [...list.options].find(option => option.text === arguments[1]).value;
list.dispatchEvent(new Event('change'));
"""
TESTED = """
const rows = [...document.querySelectorAll('#pairs tbody tr')];
return rows.map(row => [...row.cells].map(cell => cell.innerText));
"""
SIDES = ("first", "second")
OPEN = "document.querySelector('#browser details.answer').open = true"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An experiment of two models and two data sets with its report."""
    made = MadeUp(tmp_path_factory.mktemp("made"), datasets=("facts", "more"))
    report_comparison.main(made.input, made.output, made.params)
    return made


@pytest.fixture(scope="module")
def page(made):
    """The page, open in a browser; and its CSV."""
    with open(made.output.csv, newline="") as file:
        rows = list(csv.DictReader(file))
    with browser() as window:
        window.open(made.output.html)
        window.wait("return document.querySelector('#browser select')")
        yield window, rows


def names(rows):
    """Return the cells' names."""
    return [(row["model"], row["dataset"], row["mode"]) for row in rows]


def test_what_is_read_equals_the_csv(page):
    """The browser shows the CSV's cells and numbers."""
    window, rows = page
    shown = window.run(SHOWN)
    assert names(shown) == names(rows)
    for own, row in zip(shown, rows, strict=True):
        assert own["token_recall"].split()[0] == show(float(row["token_recall"]), "share")
        assert own["f1"] == show(float(row["f1"]), "share")


def test_a_click_on_a_heading_sorts(page):
    """One click sorts from high to low, another from low to high, and says so."""
    window, _ = page
    heading = "document.querySelector('#table-cells th[data-c=token_recall]')"
    for direction, sign in (("descending", -1), ("ascending", 1)):
        window.run(f"{heading}.querySelector('button').click()")
        values = [float(row["token_recall"].split()[0]) for row in window.run(SHOWN)]
        assert values == sorted(values, key=lambda value: sign * value)
        assert window.run(f"return {heading}.getAttribute('aria-sort')") == direction


def test_filters_leave_what_they_name(page):
    """A choice of mode and a word leave the rows of both, and the count says how many."""
    window, _ = page
    window.run("""
    const block = document.querySelector('#table-cells');
    const mode = block.querySelector('select[data-column=mode]');
    mode.value = 'no_context'; mode.dispatchEvent(new Event('input', {bubbles: true}));
    const words = block.querySelector('input');
    words.value = 'small facts'; words.dispatchEvent(new Event('input', {bubbles: true}));
    """)
    assert names(window.run(SHOWN)) == [("small", "facts", "no_context")]
    assert (
        window.run("return document.querySelector('#table-cells output').value") == "1 of 12 rows"
    )


def test_a_question_opens_with_its_prompt_and_answers(page):
    """The browser of questions shows the references, every cell's answer, and the prompt."""
    window, _ = page
    assert window.run("return document.querySelectorAll('#browser details.answer').length") == 6
    text = window.run("return document.querySelector('#browser .question').innerText")
    assert "What is the 0th <b>number</b> of facts?" in text and "number 0 | no. 0" in text
    window.run(OPEN)
    window.wait("return document.querySelectorAll('#browser details.answer pre').length === 2")
    prompt = window.run(
        "return document.querySelectorAll('#browser details.answer pre')[1].innerText"
    )
    assert prompt.endswith("Question: 0?")


def test_a_keyboard_moves_to_the_next_question(page):
    """Choosing another entry of the list shows that question."""
    window, _ = page
    window.run("""
    const list = document.querySelector('#browser > select');
    list.selectedIndex = 1; list.dispatchEvent(new Event('change'));
    """)
    assert "What is the 1th" in window.run("return document.querySelector('#browser h3').innerText")


def test_any_two_cells_can_be_compared(made, page):
    """Each choice of two cells shows the test that pairs.parquet has, in either order."""
    window, _ = page
    window.wait("return document.querySelectorAll('#pairs select').length === 3")
    every = pl.read_parquet(made.output.every_pair).filter(pl.col("dataset") == "more")
    window.run(CHOOSE, "0", "more")
    for row in every.to_dicts():
        sides = [f"{row[f'{side}_model']} \u00b7 {row[f'{side}_mode']}" for side in SIDES]
        for names, sign in ((sides, 1), (sides[::-1], -1)):
            for place, name in enumerate(names):
                window.run(CHOOSE, str(1 + place), name)
            shown = window.run(TESTED)
            assert shown[0][1] == show(sign * row["effect"], "difference")
            ends = sorted(sign * row[f"effect_{end}"] for end in ("low", "high"))
            assert shown[0][2] == " to ".join(show(end, "difference") for end in ends)
            assert shown[0][3:] == [show(row[name], "probability") for name in ("p", "p_holm")]
            assert shown[2][4] == show(row["p_holm_exact_match"], "probability")


def test_what_a_model_wrote_never_runs(page):
    """An answer of script and an image with a handler is shown as text, in every question."""
    window, _ = page
    found = window.run("""
    const list = document.querySelector('#browser > select');
    let seen = 0;
    for (let i = 0; i < list.length; i++) {
      list.selectedIndex = i; list.dispatchEvent(new Event('change'));
      seen += document.querySelector('#browser').innerText.includes('<script>window.hacked');
    }
    return [seen > 0, document.querySelectorAll('img').length, window.hacked === undefined];
    """)
    assert found == [True, 0, True]


def test_the_mark_under_the_pointer_shows_its_numbers(page):
    """A mark of the plot tells model, mode, value, interval and n."""
    window, _ = page
    text = window.run("""
    const mark = document.querySelector('#figure-token_recall-facts .mark[data-tip*=tiny]');
    mark.dispatchEvent(new PointerEvent('pointerover', {bubbles: true}));
    return document.querySelector('#tip').innerText;
    """)
    assert text.startswith("tiny, no_context: 0.") and text.endswith("n = 40")


def test_a_phone_needs_no_sideways_scrolling(page):
    """On a narrow screen the page itself is no wider than the screen."""
    window, _ = page
    window.resize(500, 900)
    assert window.run("return document.documentElement.scrollWidth <= innerWidth")


def test_the_console_is_silent(page):
    """After all this the console holds neither error nor warning."""
    assert page[0].errors() == []
