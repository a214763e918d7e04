"""The last section: what each word of the page means, so that a number can be defended."""

from slmrag.report.analysis.experiment import Experiment
from slmrag.report.analysis.pair_intervals import FEWER_RESAMPLES
from slmrag.report.analysis.pairs import ENOUGH_EXTREME_FLIPS, FAMILIES, MANY_PAIRS
from slmrag.report.page.tables import Section
from slmrag.scoring.paired_tests import POWER

NORMALIZATION = "lower case, no ASCII punctuation, no articles, single spaces"


def method_section(experiment: Experiment) -> Section:
    """Return the definitions of metrics, tests and words."""
    count = experiment.metrics["bootstrap"]
    definitions = [
        ("Normal form", f"Texts are compared in {NORMALIZATION} (Adlakha et al., TACL 2024)."),
        (
            "Token recall, precision, F1",
            "Multiset overlap of tokens, divided by the tokens of the reference, of the answer, "
            "and their harmonic mean; the best of a question's references counts.",
        ),
        (
            "Exact match, match, token match",
            "The normal forms are equal; the reference is a substring of the answer (art is in "
            "Spartan); the reference's tokens stand in the answer, whole and in order.",
        ),
        (
            "Answer",
            "The trimmed answer: the first line that says something, without label and reasoning. "
            "Recall, untrimmed, scores all that the model wrote.",
        ),
        (
            "Has answer",
            "The tokens of a reference stand in a row in a passage, without case (DPR's: runs of "
            "letters and digits, and each other sign). Letters of scripts without spaces (Chinese, "
            "Japanese, Thai) are a token each.",
        ),
        (
            "Gold passage",
            "A passage that has the id of one of the question's gold passages, or else its text in "
            "Unicode NFC with single spaces; case counts, titles do not. Gold entries of one "
            "question with one id or one text are one gold passage, found at its first hit.",
        ),
        (
            "Gold recall, MRR, nDCG",
            "Over the questions of which the corpus has a gold passage; their gold that the corpus "
            "lacks counts as not found. Not defined where the corpus has none of any question.",
        ),
        (
            "Context",
            "What stood in the prompt: passages, or words of the last one, that a model had no "
            "room for are not in it, neither for a hit nor for the gold passage's rank nor for a "
            "copied context. A gold passage of which words were cut keeps its rank. Passages in "
            "prompt is a mean over questions; what was retrieved stands under Retrieval.",
        ),
        (
            "Intervals",
            f"BCa bootstrap over questions, {count} resamples: skewed means of rare successes are "
            "covered better than by percentiles. Where all scores are 0 or all are 1: Clopper and "
            "Pearson's bound.",
        ),
        (
            "Tests",
            f"Paired by question. Token recall and F1: {count} sign flips, p = (as extreme + 1) / "
            "(flips + 1), or Hoeffding's bound where that is smaller than any that flips can show. "
            "Exact match and match: McNemar's exact test.",
        ),
        (
            "Families",
            f"Every two cells of a data set are tested: {'; '.join(FAMILIES)}. Holm's "
            "correction runs over all tests of one metric, family and data set; not over the "
            "families or data sets together.",
        ),
        (
            "Many cells",
            f"Where there are more than {MANY_PAIRS} pairs: intervals of effects take "
            f"{FEWER_RESAMPLES} resamples; in the third family, and for the other metrics, they "
            "are Student's; a test of the third family ends at "
            f"{ENOUGH_EXTREME_FLIPS} flips as extreme, with p = {ENOUGH_EXTREME_FLIPS} / flips "
            "(Besag and Clifford, 1991).",
        ),
        ("Detectable", 
            f"The difference that a test at this level finds with {POWER:.0%} power, by the spread "
            "of the pair's own differences; not known where no question differs."),
        ("Gap closed", "(retriever \u2212 none) / (oracle \u2212 none), not defined where the "
         "interval of the oracle's gain includes zero."),
    ]  # fmt: skip
    return Section("method", "Method", definitions=definitions)
