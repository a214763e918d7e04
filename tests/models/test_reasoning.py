"""Where a reasoning ends, by the tags of every family, and what is left alone."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.generation.answer_extraction import AnswerExtractor, extract_answer
from slmrag.models import reasoning
from slmrag.scoring.judge import parse_verdict

PAIRS = [
    (name, *pair)
    for name, family in reasoning.REASONING_TAGS.items()
    for tags in family
    for pair in product(tags.begin, tags.end)
]
SURE = [one for tags in reasoning.ALL_TAGS if tags.unambiguous for one in (*tags.begin, *tags.end)]
MENTIONS = "Danube|the|tag|analysis|of|final|<answer>|`</think>`|Here is my response:|'[THINK]'"
MENTIONS += "|Here is my thought process:|say </think> here|<response>|answer:|assistantfinal"
WORDS = st.lists(st.sampled_from(MENTIONS.split("|")), min_size=1, max_size=8)


@pytest.mark.parametrize(("name", "begin", "end"), PAIRS)
@pytest.mark.parametrize("choose", [True, False])
def test_a_familys_reasoning_is_no_answer(name, begin, end, choose):
    """By its name or by auto, the answer begins after the end tag, and without it there is none."""
    extractor = AnswerExtractor(name if choose else None)
    said = extractor.extract(f"{begin}Vienna.\nPerhaps.{end}\n\nDanube\nQuestion: next")
    assert (said.answer, said.reasoning) == ("Danube", "finished")
    cut = extractor.extract(f"{begin}Vienna.\nPerhaps")
    assert (cut.answer, cut.reasoning) == ("", "unfinished")


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("<think>\n\n</think>\n<answer>\nDanube\n</answer>\n", "Danube"),
        ("<think>hm</think><response>Danube</response>", "Danube"),
        ("<reasoning>\nhm\n</reasoning>\n<answer>\nDanube\n</answer>", "Danube"),
        ("<answer>Danube</answer>", "Danube"),
        ("<|START_RESPONSE|>Danube<|END_RESPONSE|>", "Danube"),
        ("<think>a</think>\n<think>b</think>Danube", "Danube"),
        ("Answer: <think>hm</think> Danube", "Danube"),
        ("hm, Vienna?\n</think>\n\nDanube", "Danube"),
        ("so it is the Danube.</think>Danube", "Danube"),
        ("Vienna.[/THINK]Danube", "Danube"),
        ("<|channel|>final<|message|>Danube<|return|>", "Danube"),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary"
            "<|message|>b<|end|><|start|>assistant<|channel|>final<|message|>Danube",
            "Danube",
        ),
    ],
)
def test_wrappers_and_ends_without_a_beginning(raw, answer):
    """An answer stands within tags of its own, after two reasonings, or after an end alone."""
    assert extract_answer(raw) == answer


@pytest.mark.parametrize(
    "raw",
    [
        "Wrap it in <answer> and </answer>",
        "The tag </think> closes it",
        "It writes `<think>` first and `</think>` last",
        "Danube. Here is my response: ask again",
        "analysis of variance",
        "Paris, as assistantfinal said",
        "Use <think> and </think>",
        "final",
    ],
)
def test_an_answer_that_speaks_of_tags_is_left_alone(raw):
    """Tags that are mentioned are a part of the answer."""
    assert AnswerExtractor().extract(raw) == (raw, raw, None, False)


@given(WORDS)
def test_words_of_an_answer_are_never_cut(words):
    """Whatever an answer mentions after its first word, auto finds no reasoning in it."""
    text = "It is " + " ".join(words)
    assert AnswerExtractor().extract(text)[1:3] == (text, None)


@given(st.text(), st.sampled_from([None, "none", *reasoning.REASONING_TAGS, {"end": "x"}]))
def test_any_text_has_an_answer_within_it(text, choice):
    """The answer begins within the text, and an unfinished reasoning leaves none."""
    start, how = reasoning.split_reasoning(text, choice)
    assert 0 <= start <= len(text)
    assert how != "unfinished" or start == len(text)


@given(st.text(alphabet="ab \n<>[]/thinkTHINK"), st.sampled_from(SURE))
def test_none_leaves_every_tag_in_the_answer(text, tag):
    """reasoning: none takes all that a model writes for its answer."""
    assert reasoning.split_reasoning(tag + text, "none") == (0, None)


def test_tags_of_ones_own():
    """Tags that no family has are named by the entry; without a beginning the prompt has begun."""
    own = AnswerExtractor({"begin": "<<", "end": ">>"})
    assert own.extract("<<hm>> Danube").answer == "Danube"
    assert own.extract("<think>Danube").answer == "<think>Danube"
    opened = AnswerExtractor({"end": ">>"})
    assert opened.extract("hm>>Danube").answer == "Danube"
    assert opened.extract("hm, the Danube")[1:3] == ("", "unfinished")


@pytest.mark.parametrize(
    "begin", [tags.begin[0] for tags in reasoning.ALL_TAGS if not tags.plain_words]
)
def test_a_prompt_opens_a_reasoning_of_any_family(begin):
    """What follows a prompt that ends in a family's tag is reasoning until that family's end."""
    assert AnswerExtractor().extract("hm, the Danube", f"user: who?\n{begin}\n")[1:3] == (
        "",
        "unfinished",
    )


def test_stop_strings_wait_until_the_reasoning_is_over():
    """A stop string within the reasoning, or in the lines before the answer, ends nothing."""
    extractor = AnswerExtractor(stop=("\n", "Question:"))
    said = extractor.extract("<think>\nQuestion: is it?\n</think>\n\nDanube\nQuestion: next")
    assert said == ("<think>\nQuestion: is it?\n</think>\n\nDanube", "Danube", "finished", True)
    cut = extractor.extract("<think>\nQuestion: is it?")
    assert (cut.reasoning, cut.stopped) == ("unfinished", False)
    assert extractor.extract("Danube Question: next").raw == "Danube "


@pytest.mark.parametrize(
    ("specials", "kept"),
    [
        (["<s>", "[INST]", "[THINK]", "[/THINK]"], ["[/THINK]", "[THINK]"]),
        (["<|start|>", "<|end|>", "<|message|>", "<|return|>"], ["<|message|>", "<|start|>"]),
        (["<|START_THINKING|>", "<EOS_TOKEN>"], ["<|START_THINKING|>"]),
        (["<s>", "</s>", "<|im_end|>", "<|end|>", "[", "<unk>"], []),
    ],
)
def test_tags_among_special_tokens_are_found(specials, kept):
    """Decoding would leave out just these; a tokenizer without any is decoded as ever."""
    assert reasoning.tag_tokens(specials) == kept


def test_a_judges_reasoning_is_no_verdict():
    """A judge that reasons is read after it, and one that is cut inside it says nothing."""
    assert parse_verdict("<think>B? No.</think>\n\nA") == "correct"
    assert parse_verdict("<think>B") == "unparseable"
