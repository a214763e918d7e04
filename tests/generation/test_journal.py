"""The journal keeps what is finished, whatever ends the job."""

import errno
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slmrag.errors import UserError
from slmrag.files import digest
from slmrag.generation.journal import Journal


def completion(prompt: str, text: str = "Paris") -> dict:
    """Return a completion."""
    return {"digest": digest(prompt), "text": text, "engine": "e1"}


def filled(folder, *prompts: str, text: str = "Paris") -> None:
    """Write a journal."""
    with Journal(folder) as journal:
        journal.append([completion(prompt, text) for prompt in prompts])


def test_a_completion_is_found_again_by_the_next_job(tmp_path):
    """A completion appended by one job is read back, whole, by the next."""
    filled(tmp_path, "a", "b")
    with Journal(tmp_path) as journal:
        assert journal[digest("b")] == completion("b")


def test_answers_under_an_older_name_count_and_stay_where_they_are(tmp_path):
    """A folder of the same key under an older name is read; what is new goes to the new one."""
    filled(tmp_path / "old", "a", text="old")
    before = [path.read_bytes() for path in (tmp_path / "old").iterdir()]
    for _ in range(2):
        with Journal(tmp_path / "new", [tmp_path / "old", tmp_path / "none"]) as journal:
            assert journal[digest("a")]["text"] == "old"
            journal.append([completion("b", "new")] if digest("b") not in journal else [])
    assert [path.read_bytes() for path in (tmp_path / "old").iterdir()] == before
    with Journal(tmp_path / "new") as journal:
        assert digest("b") in journal and digest("a") not in journal


def test_a_completion_is_found_by_what_its_prompt_was_cut_from(tmp_path):
    """The digest of the uncut prompt leads to the completion, in this job and the next."""
    made = completion("cut") | {"whole": digest("whole"), "passages": 1, "words_cut": 3}
    with Journal(tmp_path) as journal:
        journal.append([made])
        assert journal.get(digest("whole")) == journal.get(digest("cut")) == made
    with Journal(tmp_path) as journal:
        assert journal.get(digest("whole")) == made
        assert journal.get(digest("other")) is None


def test_a_completion_is_on_disk_before_append_returns(tmp_path):
    """A second reader sees a completion while the writer is still at work."""
    with Journal(tmp_path) as writer:
        writer.append([completion("a")])
        with Journal(tmp_path) as reader:
            assert digest("a") in reader
        assert writer[digest("a")]["text"] == "Paris"


def test_a_journal_that_nobody_writes_to_leaves_no_file(tmp_path):
    """A job that finds all it needs makes neither file nor folder."""
    with Journal(tmp_path / "absent") as journal:
        assert digest("a") not in journal
    assert not (tmp_path / "absent").exists()


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(min_value=1, max_value=200))
def test_a_torn_last_line_is_ignored(tmp_path_factory, cut):
    """Wherever a kill tears the last line, the lines before it are kept and it is not."""
    folder = tmp_path_factory.mktemp("journal")
    filled(folder, "a", "b")
    (file,) = folder.glob("*.jsonl")
    whole = file.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    file.write_bytes(whole[: max(last, len(whole) - cut)])
    with Journal(folder) as journal:
        assert digest("a") in journal
        assert digest("b") not in journal


def test_noise_in_the_middle_costs_only_its_own_line(tmp_path):
    """A line that is no JSON object is passed over, and those after it still count."""
    filled(tmp_path, "a", "b")
    (file,) = tmp_path.glob("*.jsonl")
    first, second = file.read_text().splitlines()
    file.write_text(f"{first}\n\x00garbage\n[1]\n\n{second}\n")
    with Journal(tmp_path) as journal:
        assert digest("a") in journal and digest("b") in journal


def test_a_line_of_another_shape_is_passed_over(tmp_path):
    """A JSON object that is neither a completion nor an engine's record is no completion."""
    (tmp_path / "1.jsonl").write_text('{"digest": "xyz"}\n{"engine": 3}\n{"text": "a"}\n')
    with Journal(tmp_path) as journal:
        assert digest("a") not in journal


def test_of_twins_the_first_file_counts_for_ever(tmp_path):
    """Two jobs that made the same completion leave one answer, the same at each reading."""
    filled(tmp_path, "a", text="first")
    filled(tmp_path, "a", text="second")
    for _ in range(2):
        with Journal(tmp_path) as journal:
            assert journal[digest("a")]["text"] == "first"


def test_a_prompt_is_claimed_once(tmp_path):
    """The second of two equal prompts is not asked again, nor is one that is finished."""
    filled(tmp_path, "done")
    with Journal(tmp_path) as journal:
        asked = [digest(prompt) for prompt in ("new", "new", "done")]
        assert journal.claim(asked) == [True, False, False]
        assert journal.claim(asked) == [False, False, False]
        assert digest("new") not in journal


def test_many_completions_are_read_at_once_in_the_order_asked(tmp_path):
    """More prompts than one look-up takes come back in order; one without an answer is an error."""
    names = [str(number) for number in range(2500)]
    filled(tmp_path, *names)
    with Journal(tmp_path) as journal:
        wanted = [digest(name) for name in reversed(names)]
        assert [made["digest"] for made in journal.read(wanted)] == wanted
        with pytest.raises(KeyError):
            journal.read([digest("absent")])


def test_the_last_record_of_an_engine_counts(tmp_path):
    """An engine's run is known by its last record, in the job and after it."""
    with Journal(tmp_path) as journal:
        journal.note_run({"id": "e1", "requests": 0})
        journal.note_run({"id": "e1", "requests": 7})
        assert journal.engines == {"e1": {"id": "e1", "requests": 7}}
    with Journal(tmp_path) as journal:
        assert journal.engines["e1"]["requests"] == 7


def test_any_text_survives(tmp_path):
    """Answers with line ends, NUL, lone surrogates and emoji come back as they were."""
    text = 'a\nb\r\n\u2028"\\\x00 \ud800 \N{PILE OF POO}'
    filled(tmp_path, "a", text=text)
    with Journal(tmp_path) as journal:
        assert journal[digest("a")]["text"] == text


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    """A write that the disk refuses is a UserError that names the file and the reason."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Journal(tmp_path) as journal:
        journal.append([completion("a")])
        monkeypatch.setattr(os, "write", refuse)
        with pytest.raises(UserError, match=r"jsonl: No space left on device; .*run again"):
            journal.append([completion("b")])
        monkeypatch.undo()
    with Journal(tmp_path) as journal:
        assert digest("a") in journal


def test_a_short_write_is_finished(tmp_path, monkeypatch):
    """A line is whole even where the system writes it in pieces."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:7]))
    filled(tmp_path, "a")
    (file,) = tmp_path.glob("*.jsonl")
    assert json.loads(file.read_text()) == completion("a")
