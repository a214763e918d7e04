"""Make the report of 2,000 cells of 1,000 questions; print its time, memory and size."""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow/scripts"))

import report_comparison
from slmrag.scoring.qa_metrics import METRICS
from slmrag.scoring.summary import AVERAGED_METRICS

MODES = {
    "no_context": {"context": "none"},
    "oracle_context": {"context": "oracle", "passages": 1},
    **{
        f"bm25_{k}": {"context": "retriever", "retriever": "bm25", "passages": k}
        for k in range(1, 9)
    },
}
TEXT = "The quick brown fox jumps over the lazy dog and goes on to answer the question at hand. "


class Scale:
    """Files of a comparison of ``models`` x ``sets`` x ten modes, each of ``questions``."""

    def __init__(self, folder, models, sets, questions):
        """Write them."""
        self.folder, self.questions = Path(folder), questions
        self.ids = [f"q{i}" for i in range(questions)]
        self.cells = [
            (f"model_{m:03}", f"set_{d}", mode)
            for m in range(models)
            for d in range(sets)
            for mode in MODES
        ]
        self.random = np.random.default_rng(0)
        for dataset in dict.fromkeys(cell[1] for cell in self.cells):
            self.write_dataset(dataset)
        for cell in self.cells:
            self.write_cell(cell)

    def path(self, kind, *names, end="parquet"):
        """Where a file is."""
        path = self.folder.joinpath(kind, *names).with_suffix(f".{end}")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_dataset(self, dataset):
        """Write questions, and the prompts of each mode."""
        asked = [f"What is the {i}th of {dataset}?" for i in range(self.questions)]
        gold = [
            [{"id": f"p{i}", "title": "T", "text": f"{i} {TEXT * 6}"}]
            for i in range(self.questions)
        ]
        table = {"question_id": self.ids, "question": asked, "answers": [["yes"]] * len(asked)}
        pl.DataFrame(table | {"gold": gold}).write_parquet(
            self.path("datasets", dataset, "questions")
        )
        for mode, entry in MODES.items():
            shown = [own * entry.get("passages", 0) for own in gold]
            prompts = {
                "question_id": self.ids, "question": asked, "passages": shown,
                "has_answer": [None if mode == "no_context" else True] * len(asked),
                "gold_rank": [None if mode == "no_context" else 1] * len(asked),
                "template": ["{{ question }}"] * len(asked),
            }  # fmt: skip
            kinds = {
                "passages": pl.List(pl.Struct(dict.fromkeys(("id", "title", "text"), pl.String)))
            }
            pl.DataFrame(prompts, schema_overrides=kinds).write_parquet(
                self.path("prompts", dataset, mode)
            )

    def write_cell(self, cell):
        """Write answers, timings, scores and summary of one cell."""
        n, passages = self.questions, MODES[cell[2]].get("passages", 0)
        scores = (self.random.random((n, 1)) < 0.2 + 0.6 * self.random.random()).astype(float)
        columns = {name: scores[:, 0] for name in AVERAGED_METRICS}
        hit = None if cell[2] == "no_context" else self.random.random(n) < 0.7
        rows = {
            "question_id": self.ids, **columns,
            "has_answer": [None] * n if hit is None else hit,
            "gold_rank": [None] * n if hit is None else hit.astype(np.int32),
            "has_answer_uncut": [None] * n if hit is None else hit,
            "passages": [passages] * n, "passages_dropped": [0] * n, "words_cut": [0] * n,
            "failure": self.random.choice(["empty", "run_on", "refusal"], n),
            "finish_reason": ["stop"] * n, "generated_tokens": [12] * n,
        }  # fmt: skip
        kinds = {"has_answer": pl.Boolean, "has_answer_uncut": pl.Boolean, "gold_rank": pl.Int32}
        pl.DataFrame(rows, schema_overrides=kinds).write_parquet(self.path("scores", *cell))
        mean = float(scores.mean())
        means = {
            name: {"mean": mean, "low": mean - 0.03, "high": mean + 0.03}
            for name in AVERAGED_METRICS
        }
        summary = dict(zip(("model", "dataset", "mode"), cell, strict=True)) | means | {"n": n}
        self.path("scores", *cell, end="json").write_text(json.dumps(summary))
        said = [f"answer {i} of {cell[0]}" for i in self.random.integers(0, 10**6, n)]
        answers = {
            "question_id": self.ids, "raw_answer": [f"{a}\nThen" for a in said], "answer": said,
            "prompt": [f"{i} {TEXT * 6}\n" * passages + f"Question {i}?" for i in range(n)],
            "finish_reason": ["stop"] * n, "generated_tokens": [12] * n, "prompt_tokens": [200] * n,
        }  # fmt: skip
        pl.DataFrame(answers).write_parquet(self.path("answers", *cell))
        times = {"seconds": self.random.random(n), "first_token_seconds": self.random.random(n)}
        times |= {"work_seconds": self.random.random(n) / 20, "engine": [cell[0]] * n}
        run = {
            "id": cell[0],
            "engine": "bench 1",
            "peak_gpu_bytes": 10**9 * (1 + hash(cell[0]) % 9),
        }
        run |= {"generation_seconds": 30.0, "requests": n, "generated_tokens": 12 * n}
        metadata = {"engines": json.dumps([run])}
        pl.DataFrame(times).write_parquet(self.path("timings", *cell), metadata=metadata)

    def job(self):
        """Return input, output and params of the report."""
        pairs = dict.fromkeys(cell[1:] for cell in self.cells)
        sets = dict.fromkeys(cell[1] for cell in self.cells)
        kinds = ("scores", "answers", "timings")
        input = {kind: [self.path(kind, *cell) for cell in self.cells] for kind in kinds}
        input["summaries"] = [self.path("scores", *cell, end="json") for cell in self.cells]
        input["prompts"] = [self.path("prompts", *pair) for pair in pairs]
        input["questions"] = [self.path("datasets", name, "questions") for name in sets]
        ends = {
            "csv": "csv",
            "parquet": "parquet",
            "html": "html",
            "pairs": "pairs",
            "pairs_parquet": "pairs.parquet",
            "analysis": "json",
        }
        output = {name: self.path("report", "comparison", end=end) for name, end in ends.items()}
        output["figures"] = self.folder / "report/figures"
        entries = {
            name: {"engine": "bench"} for name in dict.fromkeys(cell[0] for cell in self.cells)
        }
        metrics = {"primary": METRICS[0], "confidence": 0.95, "bootstrap": 10_000}
        params = {"cells": self.cells, "models": entries, "datasets": {name: {} for name in sets}}
        params |= {"modes": MODES, "retrievers": {}, "metrics": metrics, "experiment": "scale"}
        empty = {"retrieval": [], "audits": []}
        return [SimpleNamespace(**each) for each in (input | empty, output, params)]


def main(models=50, sets=4, questions=1000):
    """Make the files, then the report, and say what it took."""
    with tempfile.TemporaryDirectory() as folder:
        input, output, params = Scale(folder, models, sets, questions).job()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, busy = time.perf_counter(), time.process_time()
        report_comparison.main(input, output, params)
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = output.html.stat().st_size
        print(
            f"cells {len(params.cells)} x questions {questions}: {seconds:.1f} s ({busy:.1f} CPU s)"
        )
        print(f"page {size / 1e6:.1f} MB, peak {peak / 1e6:.2f} GB (before: {before / 1e6:.2f} GB)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
