"""The last section: the definitions of the page's words, metrics and tests."""

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.pair_intervals import FEWER_RESAMPLES
from slmrag.report.analysis.pairs import ENOUGH_EXTREME_FLIPS, FAMILIES, MANY_PAIRS
from slmrag.report.page.tables import Section
from slmrag.scoring.paired_tests import POWER

NORMALIZATION = "lower case, no ASCII punctuation, no articles, single spaces"


def method_section(experiment: Experiment) -> Section:
    """Return the definitions of words, metrics and tests."""
    definitions = [*word_definitions(), *statistics_definitions(experiment.metrics["bootstrap"])]
    return Section("method", "Method", definitions=definitions)


def word_definitions() -> list[tuple[str, str]]:
    """Return what cells, answers, metrics, gold and contexts are."""
    return [
        ("Cell", "One model on one data set in one mode."),
        (
            "Text normalization",
            f"Texts are compared after normalization: {NORMALIZATION} (Adlakha et al., TACL 2024).",
        ),
        (
            "Token recall, precision, F1",
            "The number of tokens that answer and reference share, repetitions included, divided "
            "by the number of the reference's tokens (recall) or of the answer's (precision). F1 "
            "is their harmonic mean. The best of a question's references counts.",
        ),
        (
            "Exact match, match, token match",
            "Exact match: the normalized texts are equal. Match: the reference is a substring of "
            "the answer (art is in Spartan). Token match: the answer contains the reference's "
            "tokens, whole and in order.",
        ),
        (
            "Correct",
            "An answer is correct if its token match is 1. Known, fixed, destroyed, gained and "
            "lost questions are counted by it.",
        ),
        (
            "Answer",
            "The model's output after trimming: its first line with content, without label and "
            "reasoning. Token recall, untrimmed, scores the whole output.",
        ),
        (
            "Has answer",
            "A context has an answer if a passage contains the tokens of a reference in a row, in "
            "upper or lower case. Tokens are DPR's: runs of letters and digits, and every other "
            "sign. In scripts without spaces (Chinese, Japanese, Thai) each letter is a token.",
        ),
        (
            "Gold passage",
            "A passage that has the id of one of the question's gold passages, or its text "
            "(Unicode NFC, single spaces; case counts, titles do not). Gold entries of one "
            "question with the same id or the same text are one gold passage, found at its first "
            "hit.",
        ),
        (
            "Gold recall, MRR, nDCG",
            "Computed over the questions that have a gold passage in the corpus. Further gold "
            "passages of these questions that the corpus lacks count as not found. Not defined if "
            "the corpus has no gold passage of any question.",
        ),
        (
            "Context",
            "What the prompt contains. Passages and words that did not fit into the prompt are not "
            "part of it: they count neither for hits, nor for the gold passage's rank, nor for "
            "copied context. A gold passage of which words were removed keeps its rank. Passages "
            "in prompt is a mean over questions. What was retrieved is under Retrieval.",
        ),
    ]


def statistics_definitions(resamples: int) -> list[tuple[str, str]]:
    """Return what intervals, tests, families and gaps are."""
    return [
        (
            "Intervals",
            f"BCa bootstrap over questions, {resamples} resamples: it covers skewed means of rare "
            "successes better than percentile intervals do. If all scores are 0 or all are 1: the "
            "bound of Clopper and Pearson.",
        ),
        (
            "Tests",
            f"Paired by question. Token recall and F1: sign-flip permutation test with {resamples} "
            "flips, p = (flips at least as extreme + 1) / (flips + 1), or Hoeffding's bound if it "
            "is smaller than any p that these flips can show. Exact match and match: McNemar's "
            "exact test.",
        ),
        (
            "Families",
            f"All pairs of cells of a data set are tested, in three families: "
            f"{'; '.join(FAMILIES)}. Holm's correction covers all tests of one metric, family and "
            "data set. It does not cover families or data sets together.",
        ),
        (
            "Many cells",
            f"With more than {MANY_PAIRS} pairs, intervals of effects take {FEWER_RESAMPLES} "
            "resamples. In the third family, and for the other metrics, they are Student's. A test "
            f"of the third family stops after {ENOUGH_EXTREME_FLIPS} extreme flips, with p = "
            f"{ENOUGH_EXTREME_FLIPS} / flips (Besag and Clifford, 1991).",
        ),
        (
            "Minimum detectable effect",
            f"The smallest difference that a test at this level finds with {POWER:.0%} power, "
            "given the spread of the pair's own differences. Not known if no question differs.",
        ),
        (
            "Gap closed",
            "(retriever \u2212 none) / (oracle \u2212 none). Not defined if the interval of the "
            "oracle's gain includes zero.",
        ),
    ]
