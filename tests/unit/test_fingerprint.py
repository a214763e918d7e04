"""The fingerprint changes with what a script does, and with nothing else."""

import pytest
from slmrag import fingerprint

SCRIPT = '''"""Doc."""
from slmrag.pure import double


def main():
    """Doc."""
    return double(2)
'''


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A folder of scripts with a small package."""
    package = tmp_path / "slmrag"
    (package / "kinds").mkdir(parents=True)
    (tmp_path / "work.py").write_text(SCRIPT)
    (package / "pure.py").write_text("def double(x):\n    return 2 * x\n")
    (package / "job.py").write_text("SECONDS = 1\n")
    registry = (
        "def a():\n    from slmrag.kinds import a\n\ndef b():\n    from slmrag.kinds import b\n"
    )
    (package / "kinds/__init__.py").write_text(registry)
    (package / "kinds/a.py").write_text("A = 1\n")
    (package / "kinds/b.py").write_text("B = 1\n")
    monkeypatch.setattr(fingerprint, "SCRIPTS", tmp_path)
    return tmp_path


def code(*args, **chosen):
    """Return a fingerprint computed afresh."""
    for function in (
        fingerprint.code,
        fingerprint._imported,
        fingerprint._tree,
        fingerprint._syntax,
    ):
        function.cache_clear()
    return fingerprint.code(*args, **chosen)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("double(2)", "double(3)", True),
        ("return", "# why\n    return", False),
        ('"""Doc."""', '"""Other."""', False),
        ("double(2)", "double( 2 )", False),
        ("from slmrag.pure", "from slmrag import job\nfrom slmrag.pure", True),
    ],
)
def test_a_script_s_own_edit(scripts, old, new, changes):
    """Comments, layout and docstrings change nothing; a statement does."""
    before = code("work")
    (scripts / "work.py").write_text(SCRIPT.replace(old, new))
    assert (code("work") != before) is changes


def test_an_imported_module_counts(scripts):
    """An edit of a module that the script imports changes its fingerprint."""
    before = code("work")
    (scripts / "slmrag/pure.py").write_text("def double(x):\n    return x + x\n")
    assert code("work") != before


def test_a_watcher_does_not_count(scripts):
    """An edit of what only watches changes nothing."""
    (scripts / "work.py").write_text("from slmrag.job import SECONDS\n" + SCRIPT)
    before = code("work")
    (scripts / "slmrag/job.py").write_text("SECONDS = 2\n")
    assert code("work") == before


def test_of_a_registry_the_chosen_kind_counts_alone(scripts):
    """With kind a chosen, an edit of b changes nothing, and one of a does."""
    (scripts / "work.py").write_text("from slmrag.kinds import a\n")
    before = code("work", kinds="a")
    (scripts / "slmrag/kinds/b.py").write_text("B = 2\n")
    assert code("work", kinds="a") == before
    assert code("work") != before
    (scripts / "slmrag/kinds/a.py").write_text("A = 2\n")
    assert code("work", kinds="a") != before


def test_an_unknown_kind_is_refused(scripts):
    """A kind without a module is an error of ours, seen at once."""
    with pytest.raises(LookupError, match="no module c"):
        code("work", kinds="c")


def test_every_script_has_a_fingerprint():
    """Each script of the workflow can be fingerprinted, and no two are alike."""
    names = [path.stem for path in fingerprint.SCRIPTS.glob("*.py")]
    assert len({code(name) for name in names}) == len(names) > 0
