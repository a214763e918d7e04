"""The page in a real browser without network."""

import csv
import time
from types import SimpleNamespace

import polars as pl
import pytest
import report_comparison
from slmrag.report.page.formats import format_value

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
EMPTY_FIELDS = """
for (const field of document.querySelectorAll('input[type=search]')) {
  field.value = ''; field.dispatchEvent(new Event('input', {bubbles: true}));
}
for (const list of document.querySelectorAll('.filters select[data-table]')) {
  list.value = ''; list.dispatchEvent(new Event('input', {bubbles: true}));
}
"""
ARABIC = "\u0645\u0631\u062d\u0628\u0627 \U0001f600"
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
        assert own["token_recall"].split()[0] == format_value(float(row["token_recall"]), "share")
        assert own["f1"] == format_value(float(row["f1"]), "share")


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
    """An arrow down in the list shows the next question; Enter opens an answer."""
    window, _ = page
    window.run("document.querySelector('#browser > select').focus()")
    window.press("down")
    window.wait("return document.querySelector('#browser h3').innerText.includes('the 1th')")
    for _ in range(9):
        window.press("tab")
        if window.run("return document.activeElement.closest('details.answer') !== null"):
            break
    window.press("enter")
    window.wait("return document.querySelector('#browser details.answer').open")


def test_a_keyboard_finds_a_question(page):
    """What is typed into Find leaves the questions that hold it."""
    window, _ = page
    window.run("document.querySelector('#find-question').focus()")
    window.press(*"q17")
    window.wait("return document.querySelector('#browser h3').innerText.includes('the 17th')")
    window.run(EMPTY_FIELDS)


def test_a_keyboard_sorts_and_filters(page):
    """Enter on a heading sorts, and typing in Find filters; each can be reached by Tab."""
    window, _ = page
    window.run(EMPTY_FIELDS)
    window.run("document.querySelector('#table-cells input').focus()")
    window.press(*"small")
    window.wait("return document.querySelector('#table-cells output').value === '6 of 12 rows'")
    window.run("document.querySelector('#table-cells th[data-c=f1] button').focus()")
    window.press("enter")
    assert window.run(
        "return document.querySelector('#table-cells th[data-c=f1]').ariaSort === 'descending'"
    )
    values = [float(row["f1"]) for row in window.run(SHOWN)]
    assert len(values) == 6 and values == sorted(values, reverse=True)
    unreachable = window.run("""
    return [...document.querySelectorAll('button, input, select, summary, .scroll, nav a')]
      .filter(node => node.tabIndex < 0).length;
    """)
    assert unreachable == 0


def test_a_keyboard_chooses_two_cells(page):
    """Arrow keys in both lists change the test that is shown."""
    window, _ = page
    before = window.run(TESTED)
    window.run("document.querySelectorAll('#pairs select')[1].focus()")
    window.press("down")
    assert window.run(TESTED) != before


LISTED = """
return [...document.querySelectorAll('#question-list option')].map(o => o.text.split(':')[0]);
"""
PICK = """
const [name, text] = arguments;
const list = [...document.querySelectorAll('#browser .filters label')]
  .find(label => label.textContent.startsWith(name)).querySelector('select');
list.value = [...list.options].find(option => option.text.includes(text)).value;
list.dispatchEvent(new Event('change'));
"""
NOTE = "return document.querySelector('#browser .note[role=status]').innerText"


def right(made, dataset, *cells):
    """Return which questions each cell answers right, by its scores."""
    tables = [pl.read_parquet(made.path("scores", m, dataset, mode)) for m, mode in cells]
    return [set(t.filter(pl.col("token_match") == 1)["question_id"]) for t in tables]


def test_gained_and_lost_questions_are_listed(made, page):
    """For two cells the list holds the questions that one alone has right, by the scores."""
    window, _ = page
    window.run(EMPTY_FIELDS)
    cells = ("tiny", "no_context"), ("small", "oracle_context")
    one, two = right(made, "more", *cells)
    window.run(PICK, "Data set", "more")
    window.run(PICK, "Questions", "Gained")
    window.run(PICK, "First", " \u00b7 ".join(cells[0]))
    window.run(PICK, "Second", " \u00b7 ".join(cells[1]))
    assert set(window.run(LISTED)) == one - two
    window.run(PICK, "Questions", "Lost")
    assert set(window.run(LISTED)) == two - one and two - one
    assert window.run(NOTE) == f"{len(two - one)} of {len(two - one)} shown."
    who = "return [...document.querySelectorAll('#browser .answer .who')].map(n => n.innerText)"
    assert window.run(who)[:2] == [" \u00b7 ".join(cell) for cell in cells]
    assert window.run(
        "return document.querySelector('#browser .question').innerText.includes('1 passage')"
    )


def test_higher_and_lower_scores_are_listed(made, page):
    """A difference in the primary metric lists the questions of either sign."""
    window, _ = page
    cells = [("tiny", "no_context"), ("tiny", "oracle_context")]
    tables = [pl.read_parquet(made.path("scores", m, "facts", mode)) for m, mode in cells]
    ids, (a, b) = tables[0]["question_id"], [t["token_recall"] for t in tables]
    window.run(PICK, "Data set", "facts")
    window.run(PICK, "Questions", "Token recall: the first scores higher")
    for place, cell in zip(("First", "Second"), cells, strict=True):
        window.run(PICK, place, " \u00b7 ".join(cell))
    assert set(window.run(LISTED)) == set(ids.filter(a > b))
    window.run(PICK, "Questions", "the second scores higher")
    assert set(window.run(LISTED)) == set(ids.filter(a < b))


def test_a_keyboard_opens_the_list_of_a_number(made, page):
    """Enter on a number of lost questions, in a table or below two cells, opens their list."""
    window, _ = page
    every = pl.read_parquet(made.output.pairs_parquet).filter(family="modes of one model")
    row = every.filter(pl.col("lost") > 0).row(0, named=True)
    link = "document.querySelector('table[data-id=tests-modes] td[data-c=lost] a')"
    window.wait(f"return {link}")
    window.run(f"{link}.focus()")
    window.press("enter")
    assert len(window.run(LISTED)) == row["lost"] == int(window.run(f"return {link}.innerText"))
    assert window.run("return document.activeElement.id") == "question-list"
    links = "return document.querySelectorAll('#pairs .pair-link').length"
    window.wait(links)
    window.run("[...document.querySelectorAll('#pairs .pair-link')].at(-1).focus()")
    number = window.run("return document.activeElement.innerText")
    window.press("enter")
    assert len(window.run(LISTED)) == int(number)
    window.run(PICK, "Questions", "all")
    window.run(PICK, "Data set", "facts")


def test_a_sample_says_how_many_it_lacks(made, monkeypatch, tmp_path):
    """Where the page holds some of the questions, the list says how many there are in all."""
    monkeypatch.setattr("slmrag.report.sections.question_browser.MAX_ANSWERS", 120)
    input, output, params = made.input, made.output, made.params
    moved = {name: tmp_path / path.name for name, path in vars(output).items()}
    report_comparison.main(input, SimpleNamespace(**moved), params)
    with browser() as window:
        window.open(moved["html"])
        window.wait("return document.querySelector('#browser select')")
        assert window.run(NOTE).startswith("10 shown; the page holds 10 of the 40 questions")
        window.run(PICK, "Questions", "Lost")
        window.run(PICK, "First", "tiny \u00b7 no_context")
        one, two = right(made, "facts", ("tiny", "no_context"), ("small", "retriever_context"))
        listed = window.run(LISTED)
        assert set(listed) < two - one
        assert window.run(NOTE).startswith(
            f"{len(listed)} of {len(two - one)} shown; the page holds"
        )
        assert window.errors() == []


def test_the_config_is_saved_by_a_click(made, page, tmp_path):
    """A click on the link saves the report's config.yaml, from a file and without a server."""
    window, _ = page
    where = {"behavior": "allow", "downloadPath": str(tmp_path)}
    command = {"cmd": "Browser.setDownloadBehavior", "params": where}
    window.send("/goog/cdp/execute", command)
    window.run("document.querySelector('a.save').click()")
    until = time.monotonic() + 30
    while not (saved := list(tmp_path.glob("config*.yaml"))) and time.monotonic() < until:
        time.sleep(0.1)
    assert saved[0].read_bytes() == made.output.config.read_bytes()


def test_other_scripts_run_their_own_way(page):
    """An Arabic answer with an emoji is shown whole, and laid out from right to left."""
    window, _ = page
    found = window.run(
        """
    const list = document.querySelector('#browser > select');
    for (let i = 0; i < list.length; i++) {
      list.selectedIndex = i; list.dispatchEvent(new Event('change'));
      const said = [...document.querySelectorAll('#browser .said')]
        .find(node => node.textContent === arguments[0]);
      if (said) return [getComputedStyle(said).direction, said.closest('details').dir];
    }
    """,
        ARABIC,
    )
    assert found == ["rtl", ""]


def test_all_that_is_shown_can_be_named(page):
    """Every field has a label, every figure and table a name, and no id stands twice."""
    window, _ = page
    bare = window.run("""
    const named = node => node.labels?.length || node.ariaLabel;
    const ids = [...document.querySelectorAll('[id]')].map(node => node.id);
    return [
      [...document.querySelectorAll('input, select')].filter(node => !named(node)).length,
      [...document.querySelectorAll('svg')].filter(node => !node.ariaLabel).length,
      [...document.querySelectorAll('table[data-id]')].filter(node => !node.caption).length,
      ids.length - new Set(ids).size,
    ];
    """)
    assert bare == [0, 0, 0, 0]


def test_any_two_cells_can_be_compared(made, page):
    """Each choice of two cells shows the test that pairs.parquet has, in either order."""
    window, _ = page
    window.wait("return document.querySelectorAll('#pairs select').length === 3")
    every = pl.read_parquet(made.output.pairs_parquet).filter(pl.col("dataset") == "more")
    window.run(CHOOSE, "0", "more")
    for row in every.to_dicts():
        sides = [f"{row[f'{side}_model']} \u00b7 {row[f'{side}_mode']}" for side in SIDES]
        for names, sign in ((sides, 1), (sides[::-1], -1)):
            for place, name in enumerate(names):
                window.run(CHOOSE, str(1 + place), name)
            shown = window.run(TESTED)
            for line, metric in zip(shown, ("", "_f1", "_exact_match", "_match"), strict=True):
                assert line[1] == format_value(sign * row[f"effect{metric}"], "difference")
                ends = sorted(sign * row[f"effect{metric}_{end}"] for end in ("low", "high"))
                assert line[2] == " to ".join(format_value(end, "difference") for end in ends)
                chances = [row[f"{name}{metric}"] for name in ("p", "p_holm")]
                assert line[3:5] == [format_value(chance, "probability") for chance in chances]
                assert line[5] == format_value(row[f"detectable{metric}"], "share")


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
    window.phone(390, 844)
    window.wait("return innerWidth === 390")
    assert window.run("return document.documentElement.scrollWidth") <= 390


def test_the_console_is_silent(page):
    """After all this the console holds neither error nor warning."""
    assert page[0].errors() == []
