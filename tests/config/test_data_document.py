"""The entries of docs/data.md are ones that the config accepts."""

import re

import pytest
import yaml
from slmrag.config.data import CorpusEntry, DatasetEntry
from slmrag.config.models import ModelEntry
from slmrag.config.storage import ObjectEntry, StorageEntry
from slmrag.data.formats import FORMATS

from tests.workflow.project import ROOT

TEXT = (ROOT / "docs/data.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
KINDS = {
    "objects": ObjectEntry,
    "corpora": CorpusEntry,
    "datasets": DatasetEntry,
    "models": ModelEntry,
}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: next(iter(block["objects"])))
def test_entries_to_paste(block):
    """Each entry is accepted, and names objects and a corpus that stand in its block."""
    StorageEntry(**block.get("storage", {}))
    made = {
        table: {name: KINDS[table](**entry) for name, entry in entries.items()}
        for table, entries in block.items()
        if table != "storage"
    }
    for table in ("corpora", "datasets"):
        for entry in made.get(table, {}).values():
            assert {*entry.objects()} <= {*made["objects"]}
            assert getattr(entry, "corpus", None) in {None, *made.get("corpora", {})}


def test_all_formats_are_listed():
    """The table of formats says of each whether it has passages and questions."""
    rows = re.findall(r"^\| `(\w+)` \| (yes|) ?\| (yes|) ?\|", TEXT, re.MULTILINE)
    told = {name: (bool(passages), bool(questions)) for name, passages, questions in rows}
    assert told == {
        name: (hasattr(load(), "passages"), hasattr(load(), "questions"))
        for name, load in FORMATS.items()
    }
