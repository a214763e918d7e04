"""Which code ran: commit, repository and branch, the changes on request, and the packages."""

import importlib.metadata
import json
import os
import subprocess
import sys
import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.job import code_diff, code_version, packages

SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="%"), min_size=6
).map(lambda text: quote(f"se{text}cret", safe=""))


def git(folder, *arguments):
    """Run git in a folder."""
    who = ["-c", "user.name=me", "-c", "user.email=me@here", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one commit, in the place of the workflow's own."""
    folder = tmp_path / "code"
    folder.mkdir()
    git(folder, "init")
    (folder / "file.yaml").write_text("a: 1\nb: 2\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    monkeypatch.delenv(code_version.VERSION_VARIABLE, raising=False)
    for module in (code_version, code_diff):
        monkeypatch.setattr(module, "CODE_FOLDER", folder)
    return folder


def test_a_version_has_commit_repository_and_branch(repository):
    """As git says it; a detached head is on no branch."""
    git(repository, "remote", "add", "origin", "https://me:pass@host.example/code.git")
    found = code_version.read_version()
    assert len(found.pop("commit")) == 40
    address = "https://host.example/code.git"
    assert found == {"dirty": False, "repository": address, "branch": "main"}
    (repository / "file.yaml").write_text("a: 3\n")
    git(repository, "checkout", "--detach")
    assert code_version.read_version()["dirty"]
    assert code_version.read_version()["branch"] is None


def test_jobs_take_the_version_from_their_driver(monkeypatch):
    """What cannot be read as the driver's answer is no version."""
    known = {"commit": "abc", "dirty": True, "repository": None, "branch": "main"}
    monkeypatch.setenv(code_version.VERSION_VARIABLE, json.dumps(known))
    assert code_version.read_version() == known
    for text in ("", "{}", "abc dirty", "7"):
        monkeypatch.setenv(code_version.VERSION_VARIABLE, text)
        assert code_version.read_version() == {}


@given(st.sampled_from(["https", "http", "ssh", "git+ssh"]), SECRETS, SECRETS)
def test_an_address_has_no_credentials(scheme, user, password):
    """Neither user nor password nor query of a network address is kept; the rest is."""
    rest = "host.example:8443/group/code.git"
    for given_url in (
        f"{scheme}://{user}:{password}@{rest}",
        f"{scheme}://{user}@{rest}",
        f"{scheme}://{rest}?token={password}",
    ):
        assert code_version.without_credentials(given_url) == f"{scheme}://{rest}"


@pytest.mark.parametrize(
    "url, expected",
    [
        ("git@github.com:group/code.git", "github.com:group/code.git"),
        ("/srv/git/a@b/code.git", "/srv/git/a@b/code.git"),
        ("../code", "../code"),
        ("file:///srv/code", "file:///srv/code"),
        ("https://[::1]:80/code", "https://[::1]:80/code"),
        ("https://user:pass/word@host/code", None),
        ("https://user:pass#word@host/code", None),
        ("", None),
    ],
)
def test_addresses_of_every_form(url, expected):
    """What may hide a password where it does not belong is not known at all."""
    assert code_version.without_credentials(url) == expected


def test_a_diff_has_tracked_changes_only(repository, tmp_path, monkeypatch):
    """It names both repositories; a file that git does not track is not in it."""
    (repository / "file.yaml").write_text("a: 1\nb: 3\n")
    (repository / "untracked.yaml").write_text("private\n")
    project = tmp_path / "project"
    project.mkdir()
    found = code_diff.read_diff(project)
    assert found.startswith("# workflow: code, changes since ")
    assert "-b: 2\n+b: 3\n" in found
    assert "private" not in found
    assert found.endswith("# project: no git repository, so its changes are not known\n")
    git(project, "init")
    (project / "own.py").write_text("x = 1\n")
    git(project, "add", ".")
    git(project, "commit", "-m", "first")
    (project / "own.py").write_text("x = 2\n")
    assert "# project: project, changes since " in code_diff.read_diff(project)
    assert code_diff.read_diff(project).endswith("-x = 1\n+x = 2\n")
    assert "# project" not in code_diff.read_diff(repository)


def test_a_diff_that_git_does_not_give_says_so(repository, tmp_path, monkeypatch):
    """No diff is not the same as no changes."""
    monkeypatch.setattr(code_diff, "DIFF", ("diff", "no-such-commit"))
    assert "not known, git did not answer in time or failed" in code_diff.read_diff(repository)


def test_a_diff_has_no_secrets(repository, monkeypatch):
    """Values of secret names, of the environment and of known shapes are masked."""
    monkeypatch.setenv("MY_API_KEY", "from-the-environment")
    (repository / "file.yaml").write_text(
        "a: 1\nb: 2\npassword: hunter2-hunter\nnote: from-the-environment\n"
        "private_key: |\n  first line of it\n\n  second line of it\nlast: 5\n"
        'x = {"api_key": "abc def"}\nhf: hf_' + 30 * "a" + "\n"
    )
    found = code_diff.read_diff(repository)
    for secret in ("hunter2", "from-the", "first line", "second line", "abc def", "hf_aaa"):
        assert secret not in found
    assert "+last: 5\n" in found
    assert "+password: [redacted]\n" in found
    assert code_diff.redact_diff("+token_recall: 0.5\n") == "+token_recall: 0.5\n"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 400), st.integers(1, 40), st.integers(0, 3))
def test_a_cut_diff_is_whole_lines_and_counts_the_rest(lines, length, left_out):
    """With the bound at 1,000 bytes: never more, and kept and left out are everything."""
    text = f"{'ä' * length}\n" * lines
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_diff, "MAX_BYTES", 1000)
        found = code_diff.cut(text, left_out)
    assert len(found.encode()) <= 1000
    if found != text:
        kept, _, note = found.rstrip("\n").rpartition("\n")
        kept = f"{kept}\n" if kept else ""
        assert text.startswith(kept)
        assert f"cut: {len(text[len(kept) :].encode()) + left_out} bytes" in note


def test_a_large_diff_is_cut(repository):
    """3 MB of changes: half a megabyte is kept, and its last line says what is missing."""
    (repository / "file.yaml").write_text("a line of text\n" * 200_000)
    found = code_diff.read_diff(repository)
    assert 490_000 < len(found.encode()) <= 500_000
    left = int(found.splitlines()[-1].split()[2])
    assert 2_600_000 < left < 3_000_000


def test_packages_are_those_of_importlib_metadata():
    """Names of folders say the same as what is in them."""
    theirs = {
        packages.normalize_name(one.name): one.version for one in importlib.metadata.distributions()
    }
    assert packages.installed_packages() == theirs


def test_packages_of_another_prefix_only(monkeypatch):
    """A job in the driver's environment lists none, one elsewhere all, in a moment."""
    monkeypatch.setenv(packages.PREFIX_VARIABLE, sys.prefix)
    assert packages.python_fields().keys() == {"prefix", "python"}
    monkeypatch.setenv(packages.PREFIX_VARIABLE, os.sep)
    begun = time.perf_counter()
    assert packages.python_fields()["packages"]["hypothesis"]
    assert time.perf_counter() - begun < 0.5
