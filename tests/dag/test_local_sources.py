"""What a local source holds is known by its content, and read once."""

import json
import os

import pytest
from slmrag.dag import local_sources
from slmrag.dag.local_sources import (
    DIGESTS_VARIABLE,
    Source,
    content_digest,
    refuse_change,
    source_digests,
)
from slmrag.errors import UserError

OLD = (1_600_000_000, 1_600_000_000)


@pytest.fixture(autouse=True)
def no_driver(monkeypatch):
    """Nothing is handed on by a driver, nor to the next test."""
    monkeypatch.setenv(DIGESTS_VARIABLE, "")


@pytest.fixture
def cache(tmp_path):
    """A cache that is not there yet."""
    return tmp_path / "cache/local_sources.json"


def write(path, text="x"):
    """Write a file that changed long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, OLD)
    return path


def one(source, cache):
    """Return the digest of one source."""
    return source_digests([source], True, cache)[source.label]


def test_a_path_and_a_uri_of_one_file_agree(tmp_path, cache):
    """How a file is named does not matter, what it is called and what it holds does."""
    path = write(tmp_path / "a b.json")
    named = one(Source(str(path)), cache), one(Source(path.as_uri()), cache)
    assert named[0] == named[1] is not None
    assert one(Source(str(write(tmp_path / "other.json"))), cache) != named[0]


def test_all_files_of_a_folder_count(tmp_path, cache):
    """An edit, a new file and another name below a folder each change its digest."""
    folder = tmp_path / "docs"
    write(folder / "b.md"), write(folder / "a/c.md")
    seen = [one(Source(str(folder)), cache)]
    write(folder / "{x}.md")
    seen.append(one(Source(str(folder)), cache))
    (folder / "b.md").write_text("longer")
    seen.append(one(Source(str(folder)), cache))
    (folder / "b.md").rename(folder / "d.md")
    seen.append(one(Source(str(folder)), cache))
    assert len(set(seen)) == 4 and None not in seen


def test_what_is_elsewhere_has_no_digest_and_what_is_missing_none(tmp_path, cache):
    """A bucket, a web page and the hub are not asked; a missing file is None."""
    missing = Source(str(tmp_path / "none"))
    elsewhere = ["s3://bucket/key", "https://host/file", "hf:org/name"]
    assert source_digests([*map(Source, elsewhere), missing], True, cache) == {missing.label: None}


def test_a_file_that_did_not_change_is_not_read_again(tmp_path, cache, monkeypatch):
    """The second plan reads nothing, a touched file is read, and its digest is the same."""
    path = write(tmp_path / "a.json")
    first = one(Source(str(path)), cache)
    read = []
    monkeypatch.setattr(local_sources, "_sha256", lambda path: read.append(path) or "0" * 64)
    assert one(Source(str(path)), cache) == first and not read
    os.utime(path)
    assert one(Source(str(path)), cache) != first and read == [str(path)]


def test_a_file_of_the_same_size_and_time_that_is_another_is_read(tmp_path, cache):
    """A file put in the place of another keeps neither its inode nor its digest."""
    path = write(tmp_path / "a.json", "one")
    first = one(Source(str(path)), cache)
    write(tmp_path / "b.json", "two").replace(path)
    assert one(Source(str(path)), cache) != first


def test_a_file_that_has_just_changed_is_read_each_time(tmp_path, cache):
    """Within a tick of the clock an edit of the same size would go unseen."""
    path = write(tmp_path / "a.json", "one")
    os.utime(path)
    one(Source(str(path)), cache)
    assert str(path) not in json.loads(cache.read_text())[0]


@pytest.mark.parametrize("text", ["{", "{}", "[1, 2, 3]", "7"])
def test_a_broken_cache_is_as_none(tmp_path, cache, text):
    """What cannot be read of the cache costs time alone."""
    path = write(tmp_path / "a.json")
    first = one(Source(str(path)), cache)
    cache.write_text(text)
    assert one(Source(str(path)), cache) == first


def test_of_what_is_gone_the_last_content_counts(tmp_path, cache):
    """A source that was deleted keeps the name of what was made of it; a new one has its own."""
    path = write(tmp_path / "a.json", "one")
    first = one(Source(str(path)), cache)
    path.unlink()
    assert one(Source(str(path)), cache) == first
    write(path, "two")
    assert one(Source(str(path)), cache) != first


def test_of_a_checkpoint_weights_and_descriptions_count(tmp_path, cache):
    """New weights are another checkpoint; a README, a training state and hidden files are not."""
    folder = tmp_path / "model"
    for name in ("config.json", "model.safetensors"):
        write(folder / name)
    source = Source(str(folder), True)
    first = one(source, cache)
    for name in ("README.md", "LICENSE", "optimizer.pt", ".cache/x.json", "runs/events.out"):
        write(folder / name)
    assert one(source, cache) == first
    write(folder / "model.safetensors", "other")
    assert one(source, cache) != first


def test_a_job_takes_what_its_driver_found(tmp_path, cache):
    """A file that is edited during a run does not change the names of what the run makes."""
    source = Source(str(write(tmp_path / "a.json")))
    found = source_digests([source], True, cache)
    write(tmp_path / "a.json", "edited")
    assert source_digests([source], False, cache) == found
    assert source_digests([source], True, cache) != found


def test_what_changed_since_the_plan_is_not_taken(tmp_path, cache):
    """A download whose files are not those of the plan ends in one sentence; others pass."""
    source = Source("data/a.json")
    files = [{"name": "a.json", "sha256": "0" * 64, "bytes": 1}]
    refuse_change(source, files, content_digest(source, {"a.json": "0" * 64}))
    refuse_change(source, files, None)
    with pytest.raises(UserError, match=r"data/a\.json: has changed since the run began"):
        refuse_change(source, files, content_digest(source, {"a.json": "1" * 64}))


def test_a_file_that_cannot_be_read_is_named(tmp_path, cache, monkeypatch):
    """A reader's error becomes one sentence."""

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(local_sources, "sha256_file", refuse)
    path = write(tmp_path / "a.json")
    with pytest.raises(UserError, match=r"a\.json: cannot be read: Permission denied"):
        source_digests([Source(str(path))], True, cache)
