"""Patterns in URIs: which files they mean, here and behind S3."""

import json
from types import SimpleNamespace

import download_object
import pytest
from slmrag.config.file_patterns import matching
from slmrag.config.storage import ObjectEntry
from slmrag.errors import UserError
from slmrag.storage.local import files_of
from slmrag.storage.s3 import S3

from tests.dag.test_local_files import folder, said  # noqa: F401

NAMES = ["a.jsonl", "b.jsonl", "c.csv", "x/d.jsonl", "x/y/e.jsonl", "[1].jsonl", "?.jsonl"]
MEANT = {
    "*.jsonl": ["?.jsonl", "[1].jsonl", "a.jsonl", "b.jsonl"],
    "*/*.jsonl": ["x/d.jsonl"],
    "**/*.jsonl": ["?.jsonl", "[1].jsonl", "a.jsonl", "b.jsonl", "x/d.jsonl", "x/y/e.jsonl"],
    "*/**": ["x/d.jsonl", "x/y/e.jsonl"],
    "[1]*": ["[1].jsonl"],
    "?.*": ["?.jsonl"],
    "*": ["?.jsonl", "[1].jsonl", "a.jsonl", "b.jsonl", "c.csv"],
    "*.json": [],
}


@pytest.mark.parametrize("pattern", MEANT)
def test_a_pattern_means_files(pattern):
    """A star stands for signs but a slash, two for folders, too; all else is what it is."""
    assert matching(NAMES, pattern) == MEANT[pattern]


def test_a_star_in_a_name():
    """A file whose own name is the pattern is that file alone."""
    assert matching(["*.jsonl", "a.jsonl"], "*.jsonl") == ["*.jsonl"]


@pytest.mark.parametrize("pattern", MEANT)
def test_local_patterns(tmp_path, monkeypatch, pattern):
    """The files of a pattern are downloaded under their names, and their content counts."""
    for name in NAMES:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    output = SimpleNamespace(data=tmp_path / "raw", manifest=tmp_path / "raw.json")
    for uri in (
        f"data/{pattern}",
        f"{tmp_path}/data/{pattern}",
        f"file://{tmp_path}/data/{pattern}",
    ):
        if not uri.startswith("file") or "?" not in pattern:
            assert list(files_of(uri)) == MEANT[pattern]
    if not MEANT[pattern]:
        with pytest.raises(UserError, match="no such file"):
            download_object.main(None, output, SimpleNamespace(entry={"uri": uri}, storage={}))
        return
    params = SimpleNamespace(entry={"uri": f"data/{pattern}"}, storage={})
    download_object.main(None, output, params)
    files = json.loads(output.manifest.read_text())["files"]
    assert [file["name"] for file in files] == MEANT[pattern]
    assert all((tmp_path / "raw" / name).read_text() == name for name in MEANT[pattern])


def test_a_pattern_without_files_is_told_before_the_run(folder):  # noqa: F811
    """A dry run says that nothing matches; where files do, it says nothing."""
    assert said(("objects/questions/uri", "questio*.jsonl")) == ""
    told = said(("objects/questions/uri", "none*.jsonl"))
    assert "objects.questions.uri: no file matches none*.jsonl; check the pattern" in told


class Pages:
    """A client that lists some keys, and keeps what was asked."""

    meta = SimpleNamespace(endpoint_url="http://here")

    def get_paginator(self, _):
        """Return itself."""
        return self

    def paginate(self, Bucket, Prefix):
        """Return one page of the keys under a prefix."""
        self.asked = Bucket, Prefix
        keys = [f"set/{name}" for name in [*NAMES, "x/"]]
        return [{"Contents": [{"Key": key, "Size": 1} for key in keys if key.startswith(Prefix)]}]


@pytest.mark.parametrize("pattern", MEANT)
def test_patterns_of_keys(monkeypatch, pattern):
    """Keys are listed from the pattern's first star on, and named from its folder on."""
    pages = Pages()
    monkeypatch.setattr("slmrag.storage.s3.s3_client", lambda *_: pages)
    source = S3(f"s3://bucket/set/{pattern}", {})
    if MEANT[pattern]:
        found = source.files()
        assert [(one.name, one.locator) for one in found] == [
            (name, f"set/{name}") for name in MEANT[pattern]
        ]
    else:
        with pytest.raises(UserError, match="no object matches this pattern at http://here"):
            source.files()
    assert pages.asked == ("bucket", "set/" + pattern.partition("*")[0])


def test_buckets_have_no_patterns():
    """A star in a bucket's name is refused."""
    with pytest.raises(ValueError, match="is for keys, not for buckets"):
        ObjectEntry(uri="s3://buck*/x.jsonl")
