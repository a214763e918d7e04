"""A source on this machine is followed, file by file."""

from slmrag.on_disk import on_disk


def test_a_file_is_itself(tmp_path):
    """A path and a file URI name their file."""
    path = tmp_path / "a b.json"
    path.write_text("")
    assert on_disk(str(path)) == on_disk(path.as_uri()) == [str(path)]


def test_a_folder_is_its_files(tmp_path):
    """Of a folder all files count, but those that Snakemake would take for a pattern."""
    for name in ("b.md", "a/c.md", "{x}.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert on_disk(str(tmp_path)) == [str(tmp_path / "a/c.md"), str(tmp_path / "b.md")]


def test_what_is_elsewhere_or_missing_is_nothing(tmp_path):
    """A bucket, a web page and a missing file have no file here."""
    for uri in ("s3://bucket/key", "https://host/file", str(tmp_path / "none")):
        assert on_disk(uri) == []
