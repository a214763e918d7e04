"""Two configs share a folder under resources/ exactly where they agree on what is in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.config import load
from slmrag.config.folder_names import entry_name, folder_name
from slmrag.dag import resource_keys
from slmrag.dag.local_sources import Source

from tests.config.test_load import MINIMAL, edited

OWN = {"uri": "s3://bucket/tiny/"}
PLAIN = ("models/tiny/checkpoint", OWN["uri"])


def keys(*edits, local=None):
    """Return the folders' names of the minimal config with some edits."""
    return resource_keys.keys(load.load(edited(*edits)), local or {})


def changed(*edits, **local):
    """Return the tables whose folders' names an edit changes."""
    before, after = vars(keys(PLAIN)), vars(keys(PLAIN, *edits, **local))
    return {
        table
        for table, names in before.items()
        if isinstance(names, dict) and any(after[table].get(n) != k for n, k in names.items())
    }


EDITS = {
    "nothing": ([], set()),
    "the experiment": ([("experiment", "other")], set()),
    "a mode": ([("modes/bm25_context/passages", 1)], set()),
    "k1": ([("retrievers/bm25/k1", 0.7)], set()),
    "the region": ([("storage", {"region": "here"})], set()),
    "BM25's tokenizer": ([("retrievers/bm25/tokenizer", "whitespace")], {"indexes"}),
    "chunks": ([("corpora/facts/chunk", {"size": 5})], {"corpora", "coverage"}),
    "the sample": ([("datasets/quiz/limit", 5)], {"datasets", "coverage"}),
    "an object's address": (
        [("objects/passages/uri", "s3://other/passages.tsv")],
        {"objects", "corpora", "coverage"},
    ),
    "a model's sampling": ([("models/tiny/temperature", 0.5)], set()),
    "a model's revision": ([("models/tiny/revision", "abc")], {"models"}),
    "who reads a checkpoint": ([("models/tiny/checkpoint", {**OWN, "profile": "lab"})], set()),
    "whose server a checkpoint is on": (
        [("models/tiny/checkpoint", {**OWN, "endpoint_url": "http://here"})],
        {"models"},
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_changes_the_folders_that_it_reaches(what):
    """The digits are of an entry and of what lies above it, of nothing beside."""
    edits, tables = EDITS[what]
    assert changed(*edits) == tables


def test_the_content_of_a_local_source_is_in_the_name():
    """An edit of a file reaches what is made from it."""
    uri = MINIMAL["objects"]["questions"]["uri"]
    assert changed(local={Source(uri).label: "1" * 64}) == {"objects", "datasets", "coverage"}


def test_names_tell_entries_apart():
    """Two entries that say the same have two folders, each with its name."""
    made = keys(("corpora/other", MINIMAL["corpora"]["facts"])).corpora
    assert made["facts"] != made["other"]
    assert made["facts"].startswith("facts-") and made["other"].startswith("other-")


NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,20}\Z")


@given(NAMES, st.lists(st.text(max_size=5), max_size=3))
def test_an_entry_is_read_off_its_folder(name, parts):
    """A folder's name tells the entry's, whatever that looks like."""
    assert entry_name(folder_name(name, *parts)) == name


def test_a_name_without_digits_is_its_own():
    """Folders of an older layout keep their names."""
    assert entry_name("wikipedia") == "wikipedia"
    assert entry_name("quiz-123") == "quiz-123"


def test_a_checkpoint_with_keys_of_its_own():
    """It is reached by them, and by the keys of ``storage`` beside; its address is all of it."""
    own = {**OWN, "anonymous": True}
    made = load.load(
        edited(
            ("storage", {"region": "here", "profile": "lab"}),
            ("models/tiny/checkpoint", own),
            ("retrievers/d", {"kind": "dense", "encoder": OWN["uri"], "query_encoder": own}),
        )
    )
    found = resource_keys.downloads(made, resource_keys.keys(made, {}))
    reached = {one.what: one.storage for one in found if one.source.checkpoint}
    general, public = {"region": "here", "profile": "lab"}, {"region": "here", "anonymous": True}
    assert reached == {
        "model 'tiny'": public,
        "encoder of 'd'": general,
        "query_encoder of 'd'": public,
    }
    assert made.models["tiny"].params()["checkpoint"] == OWN["uri"]
    assert made.retrievers["d"].params()["query_encoder"] == OWN["uri"]
    assert load.load(load.plain_values(made)) == made
