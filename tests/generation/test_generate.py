"""The whole generate job with the echo engine: journal, resume, answers."""

import itertools
import json
import shutil
import struct
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import generate_answers
import polars as pl
import pytest
from slmrag.config.sampling import Sampling
from slmrag.dag.disk_usage import journal_files
from slmrag.errors import UserError
from slmrag.files import digest, sha256_file, write_json
from slmrag.generation.cache_key import cache_key
from slmrag.generation.engines import ENGINES, echo, engine
from slmrag.generation.generation_job import GenerationJob
from slmrag.job import events

TEMPLATE = "{% for p in passages %}{{ p.text }}\n{% endfor %}Question: {{ question }}\nAnswer:"


def prompts(path, *questions, passage=None):
    """Write a table of prompts, all with the same passage or none."""
    shown = [{"id": "1", "title": "", "text": passage}] if passage else []
    rows = [
        {"question_id": f"q{i}", "question": question, "passages": shown, "template": TEMPLATE}
        for i, question in enumerate(questions)
    ]
    pl.DataFrame(rows, schema_overrides={"passages": PASSAGES}).write_parquet(path)
    return path


PASSAGES = pl.List(pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String}))


@pytest.fixture
def job(tmp_path):
    """A job over two cells that can be run again with other settings."""

    class Job:
        def __init__(self):
            self.tables = [
                prompts(tmp_path / "a.parquet", "who wrote Hamlet", "who wrote Faust"),
                prompts(tmp_path / "b.parquet", "who wrote Hamlet", "who am I", passage="context"),
            ]

        def __call__(self, to="out", hardware=None, sampling=None, model=None, **entry):
            made = [tmp_path / to / f"{table.stem}.parquet" for table in self.tables]
            times = [tmp_path / to / f"{table.stem}.times.parquet" for table in self.tables]
            result = generate_answers.main(
                SimpleNamespace(
                    prompts=self.tables,
                    checkpoint=[model] if model else [],
                    manifest=[f"{model}.json"] if model else [],
                ),
                SimpleNamespace(answers=made, timings=times),
                SimpleNamespace(
                    model={"engine": "echo", **entry},
                    sampling=sampling or {"max_tokens": 8},
                    hardware=hardware or {"threads": 1, "gpus": 0},
                    cells=["d/a", "d/b"],
                    journal=str(tmp_path / "journal"),
                ),
            )
            self.answers = [pl.read_parquet(path) for path in made]
            self.times = times
            self.bytes = [path.read_bytes() for path in made]
            return result

        def lines(self):
            files = (tmp_path / "journal").rglob("*.jsonl")
            return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    return Job()


def test_every_cell_gets_its_answers_in_order(job):
    """Answers stand in the order of the questions, with what the engine got and gave."""
    job()
    table = job.answers[0]
    assert table["question_id"].to_list() == ["q0", "q1"]
    assert table["answer"].to_list() == ["who wrote Hamlet", "who wrote Faust"]
    assert table["prompt"][0] == "Question: who wrote Hamlet\nAnswer:"
    assert table["finish_reason"].to_list() == ["stop", "stop"]
    assert table["passages"].dtype == pl.Int32


def test_one_engine_serves_all_cells(job):
    """All cells' prompts go through one start of the engine."""
    result = job()
    assert (result["engine_starts"], result["generated"], result["questions"]) == (1, 4, 4)


def test_a_second_run_starts_no_engine_and_writes_the_same_bytes(job):
    """With everything in the journal nothing is generated, and the answers are byte-equal."""
    job()
    first = job.bytes
    result = job(to="again")
    assert (result["engine_starts"], result["generated"], result["from_journal"]) == (0, 0, 4)
    assert job.bytes == first


@pytest.mark.parametrize("done", [0, 1, 3])
@pytest.mark.parametrize("end", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_broken_run_costs_only_what_it_did_not_finish(job, monkeypatch, tmp_path, done, end):
    """What was finished before the engine broke or a signal came is not generated again."""
    job(to="whole")
    expected = job.bytes
    shutil.rmtree(tmp_path / "journal")
    whole = echo.Engine.answers

    def breaks(self, requests):
        yield from whole(self, itertools.islice(requests, done))
        raise end

    with monkeypatch.context() as patch:
        patch.setattr(echo.Engine, "answers", breaks)
        with pytest.raises(end):
            job(to="broken")
    assert not (tmp_path / "broken").exists()
    assert job(to="resumed")["generated"] == 4 - done
    assert job.bytes == expected


def test_equal_prompts_are_generated_once(job, tmp_path):
    """A prompt that stands in the tables twice is one completion with two rows."""
    job.tables[1] = prompts(tmp_path / "b.parquet", "who wrote Hamlet", "who wrote Hamlet")
    result = job()
    assert result["generated"] == 2
    assert Counter("digest" in line for line in job.lines())[True] == 2
    assert job.answers[1]["answer"].to_list() == ["who wrote Hamlet"] * 2


@pytest.mark.parametrize(
    ("change", "generated"),
    [
        ({"hardware": {"threads": 4, "gpus": 2, "max_num_seqs": 3}}, 0),
        ({"seed": 7}, 0),
        ({"max_model_len": 4096}, 0),
        ({"max_tokens": 2}, 4),
        ({"temperature": 0.5}, 4),
        ({"stop": ["\n"]}, 4),
        ({"dtype": "float32"}, 4),
        ({"options": {"answer": "yes"}}, 4),
    ],
)
def test_only_what_can_change_an_answer_makes_new_ones(job, change, generated):
    """Hardware, and a seed that greedy decoding ignores, reuse the journal; settings do not."""
    job()
    assert job(to="changed", **change)["generated"] == generated


def test_an_edited_prompt_sends_only_itself(job, tmp_path):
    """After an edit of one cell's prompts the other cell's completions are taken as they are."""
    job()
    job.tables[1] = prompts(tmp_path / "b.parquet", "who wrote Hamlet", "new", passage="context")
    assert job()["generated"] == 1


def test_an_answer_cut_by_max_tokens_says_so(job):
    """An answer that reached max_tokens has the finish reason length."""
    result = job(max_tokens=2)
    assert result["truncated"] == 4
    assert job.answers[0]["raw_answer"][0] == "who wrote"


def test_the_raw_answer_is_kept_beside_the_trimmed_one(job):
    """Reasoning and run-ons stay in raw_answer and are gone from answer."""
    job(options={"answer": "<think>hm</think>"})
    assert job.answers[0]["raw_answer"][0] == "<think>hm</think>"
    assert job.answers[0]["answer"][0] == ""


def test_stop_strings_wait_and_an_unfinished_reasoning_is_told(job, caplog):
    """A stop string ends the answer and not the reasoning; one that never ends is counted."""
    thought = "<think> Question: is it? </think> Danube Question: next"
    job(options={"answer": thought}, stop=["Question:"])
    (first, *_) = job.answers[0].to_dicts()
    assert (first["answer"], first["reasoning"], first["finish_reason"]) == (
        "Danube", "finished", "stop"
    )  # fmt: skip
    result = job(to="cut", options={"answer": thought}, stop=["Question:"], max_tokens=3)
    assert (result["unfinished_reasoning"], result["truncated"]) == (4, 4)
    assert "2 of 2 completions end inside their reasoning" in caplog.text


def test_the_timings_say_which_engine_made_them(job):
    """Each row of the timings names a run that the file's metadata describes."""
    job()
    (record,) = json.loads(pl.read_parquet_metadata(job.times[0])["engines"])
    assert record["engine"] == "echo 1"
    assert record["requests"] == 4
    assert set(pl.read_parquet(job.times[0])["engine"]) == {record["id"]}


def test_no_rows_are_no_answers(job, tmp_path, caplog):
    """A prompt file without rows makes an empty table, no engine, and a warning with its name."""
    job.tables[:] = [prompts(tmp_path / "a.parquet"), prompts(tmp_path / "b.parquet")]
    assert job()["engine_starts"] == 0
    assert job.answers[0].height == 0
    assert "prompt_digest" in job.answers[0].columns
    assert caplog.text.count("its prompt file has no rows, so nothing is answered") == 2


def test_engine_starts_are_told_to_the_tracker(job, tmp_path):
    """The memory of the model is told apart from the rest of the job."""
    log = events.EventLog(tmp_path / "events.jsonl")
    events.use_log(log)
    try:
        job()
    finally:
        events.use_log(None)
        log.close()
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [line["name"] for line in lines if line["kind"] == "component"] == ["model"]


def test_an_unknown_engine_names_the_nearest():
    """A misspelt engine is an error with the nearest known name."""
    with pytest.raises(UserError, match="did you mean 'vllm'"):
        engine("vlm")


def test_every_engine_tells_its_version_without_its_library():
    """Asking all engines for their version imports none of their libraries."""
    import sys

    before = set(sys.modules)
    assert all(engine(name).version() for name in ENGINES)
    assert not {"vllm", "torch", "transformers", "openai"} & (set(sys.modules) - before)


def shares(job):
    """Return all cells' rows with their parts of the engine runs' time, and the runs' records."""
    times = [pl.read_parquet(path) for path in job.times]
    tables = zip(job.answers, times, strict=True)
    rows = pl.concat(a.select("prompt_digest").hstack(t) for a, t in tables)
    found = [json.loads(pl.read_parquet_metadata(path)["engines"]) for path in job.times]
    return rows, {record["id"]: record for records in found for record in records}


@pytest.mark.parametrize("copies", [1, 2])
def test_the_cells_parts_add_up_to_the_time_of_the_engine(job, tmp_path, copies):
    """What falls to the completions of all cells is the run's busy time, with several copies too;
    a prompt that two cells share is one completion and has the same part in both."""
    job.tables[1] = prompts(tmp_path / "b.parquet", "who wrote Hamlet", "who am I")
    job(options={"delay": 0.02}, hardware={"threads": 1, "data_parallel": copies})
    rows, runs = shares(job)
    (run,) = runs.values()
    once = rows.unique("prompt_digest", keep="first")
    assert (rows.height, once.height) == (4, 3)
    assert once["work_seconds"].sum() == pytest.approx(run["busy_seconds"], abs=1e-5)
    assert run["busy_seconds"] >= 0.02 * 3 / copies
    shared = rows.filter(pl.col("prompt_digest") == rows["prompt_digest"][0])
    assert shared["work_seconds"].n_unique() == 1


def test_a_resumed_cell_has_parts_of_both_runs(job, monkeypatch):
    """After a broken run each completion keeps its part of the run that made it."""
    whole = echo.Engine.answers

    def breaks(self, requests):
        yield from itertools.islice(whole(self, requests), 1)
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(echo.Engine, "answers", breaks)
        with pytest.raises(RuntimeError):
            job(options={"delay": 0.01})
    job(options={"delay": 0.01})
    rows, runs = shares(job)
    assert rows["engine"].n_unique() == len(runs) == 2
    assert rows["work_seconds"].min() >= 0.01
    sums = dict(rows.group_by("engine").agg(pl.col("work_seconds").sum()).iter_rows())
    assert sums == pytest.approx({run: one["busy_seconds"] for run, one in runs.items()}, abs=1e-5)


def test_an_older_journal_stays_usable_without_parts(job, tmp_path):
    """Completions that do not say when they were finished are taken, and their part is null."""
    job()
    (file,) = (tmp_path / "journal").rglob("*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    old = [
        {k: v for k, v in line.items() if k not in ("finished", "cached_tokens")} for line in lines
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in old))
    first = job.bytes
    assert job(to="again")["generated"] == 0 and job.bytes == first
    rows, runs = shares(job)
    assert rows["work_seconds"].to_list() == [None] * 4
    assert [run["busy_seconds"] for run in runs.values()] == [None]


def model(folder, readme):
    """Write a model without weights of its own worth, and its manifest as every version did."""
    folder.mkdir()
    written = {"config.json": b"{}", "README.md": readme.encode()}
    written |= {"model.safetensors": struct.pack("<Q", 2) + b"{}"}
    for name, content in written.items():
        (folder / name).write_bytes(content)
    files = [{"name": name, "sha256": sha256_file(folder / name)} for name in sorted(written)]
    whole = digest([[file["name"], file["sha256"]] for file in files])
    write_json({"files": files, "digest": whole}, f"{folder}.json")
    return folder


def test_a_models_readme_sends_no_prompt(job, tmp_path):
    """Two models that differ in what people read share their answers; other weights have none."""
    assert job(model=model(tmp_path / "one", "card"))["generated"] == 4
    assert job(model=model(tmp_path / "two", "another card"))["generated"] == 0
    other = model(tmp_path / "three", "card")
    files = json.loads((tmp_path / "three.json").read_text())["files"]
    files[-1]["sha256"] = "0" * 64
    write_json({"files": files, "digest": "0" * 64}, f"{other}.json")
    assert job(model=other)["generated"] == 4


def test_answers_of_when_a_readme_was_in_the_key_are_used(job, tmp_path):
    """A journal under the digest of all files is read, and nothing is written to it."""
    one = model(tmp_path / "one", "card")
    job(model=one)
    (folder,) = (tmp_path / "journal").iterdir()
    key = cache_key(
        GenerationJob(
            {"engine": "echo"}, Sampling.of({}, {"max_tokens": 8}), {}, one, Path(f"{one}.json")
        )
    )
    assert folder.name == digest(key)
    before = json.loads((tmp_path / "one.json").read_text())["digest"]
    old = folder.rename(folder.with_name(digest(key | {"checkpoint": before})))
    held = [path.read_bytes() for path in old.iterdir()]
    assert job(model=one)["generated"] == 0
    assert [path.read_bytes() for path in old.iterdir()] == held and not folder.exists()
    used = journal_files(tmp_path / "journal", fake_results(tmp_path, job.times))
    assert [(file.path.parent, file.used) for file in used] == [(old, True)]


def fake_results(folder, times):
    """Return a folder of experiments in which one has some tables of timings."""
    for path in times:
        to = folder / "results/tiny/timings" / path.name.replace(".times", "")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)
    return folder / "results"
