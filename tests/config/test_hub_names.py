"""Addresses of the model hub."""

import pytest
from slmrag.config.hub_names import HubName, hub_name, named_revision


@pytest.mark.parametrize(
    "uri, expected",
    [
        ("hf:org/name", ("org/name", None, "", False)),
        ("hf:gpt2", ("gpt2", None, "", False)),
        ("hf:org/name@v1.0", ("org/name", "v1.0", "", False)),
        ("hf:org/name/a/b.txt", ("org/name", None, "a/b.txt", False)),
        ("hf:gpt2@main/a.txt", ("gpt2", "main", "a.txt", False)),
        ("hf:datasets/org/name", ("org/name", None, "", True)),
        ("hf:datasets/squad", ("squad", None, "", True)),
        ("hf:datasets/org/na.me_1@abc/x/", ("org/na.me_1", "abc", "x", True)),
        ("hf:datasets/o/n@refs/convert/parquet/a", ("o/n", "refs/convert/parquet", "a", True)),
        ("hf:o/n@refs/pr/3", ("o/n", "refs/pr/3", "", False)),
        ("hf:o/n@my%2Fbranch/a@b c.txt", ("o/n", "my/branch", "a@b c.txt", False)),
    ],
)
def test_what_is_named(uri, expected):
    """Repository, revision, path and kind are read off an address."""
    assert hub_name(uri) == HubName(*expected)


@pytest.mark.parametrize(
    "uri",
    ["hf:", "hf:/", "hf://datasets/o/n", "hf:datasets", "hf:datasets/", "hf:o/n@", "hf:o/n@/x",
     "hf:o/n/../x", "hf:o/n@v/a//b", "hf:.o/n", "hf:o n/m"],
)  # fmt: skip
def test_what_is_none(uri):
    """What names nothing, or leads out of its repository, is refused with the form to write."""
    with pytest.raises(ValueError, match="hf:datasets/org/name"):
        hub_name(uri)


def test_revisions():
    """Only addresses of the hub have one."""
    assert named_revision("hf:o/n@v") == "v"
    assert named_revision("s3://o/n@v") is named_revision("hf:o/n") is None


def test_files_below():
    """A path names itself, or all below it, and nothing that only begins like it."""
    names = ["a", "ab/c", "ab/d/e", "abc"]
    assert hub_name("hf:o/n/ab").matching_files(names) == {"c": "ab/c", "d/e": "ab/d/e"}
    assert hub_name("hf:o/n/ab/d/e").matching_files(names) == {"e": "ab/d/e"}
    assert hub_name("hf:o/n").matching_files(names) == {name: name for name in names}
    assert hub_name("hf:o/n/ab/*").matching_files(names) == {"c": "ab/c"}
    assert hub_name("hf:o/n/ab**").matching_files(names) == {
        "ab/c": "ab/c",
        "ab/d/e": "ab/d/e",
        "abc": "abc",
    }


def test_the_address_of_what_is_named():
    """It is written as it was read, a slash in a revision as %2F."""
    for uri in ("hf:o/n", "hf:datasets/o/n@my%2Fbranch/a/b*.txt", "hf:gpt2@main/x"):
        assert hub_name(uri).uri == uri
