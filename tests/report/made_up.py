"""A small experiment made on the spot: answers of known quality, scored by the real script."""

import json
import random
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import score_answers
from slmrag.files import write_json, write_table

MODES = {
    "no_context": {"context": "none", "prompt": "p.jinja"},
    "oracle_context": {"context": "oracle", "prompt": "p.jinja", "passages": 1},
    "retriever_context": {
        "context": "retriever",
        "prompt": "p.jinja",
        "passages": 2,
        "retriever": "bm25",
    },
}
CHANCES = {"no_context": 0.2, "oracle_context": 0.75, "retriever_context": 0.5}
METRICS = {
    "primary": "token_recall",
    "confidence": 0.95,
    "bootstrap": 400,
    "variants": ["bergen", "lm_eval"],
}
PASSAGE = pl.Struct({"id": pl.String, "title": pl.String, "text": pl.String})
TEXTS = ("question_id", "prompt", "prompt_digest", "raw_answer", "answer", "finish_reason")
NUMBERS = ("prompt_tokens", "generated_tokens", "passages", "passages_dropped", "words_cut")
ANSWERS = dict.fromkeys(TEXTS, pl.String) | dict.fromkeys(NUMBERS, pl.Int32)
QUESTIONS = {
    "question_id": pl.String,
    "question": pl.String,
    "answers": pl.List(pl.String),
    "gold": pl.List(PASSAGE),
}
PROMPTS = {
    "question_id": pl.String,
    "question": pl.String,
    "passages": pl.List(PASSAGE),
    "has_answer": pl.Boolean,
    "gold_rank": pl.Int32,
    "template": pl.String,
}
TIMINGS = {
    "question_id": pl.String,
    "first_token_seconds": pl.Float64,
    "seconds": pl.Float64,
    "engine": pl.String,
    "work_seconds": pl.Float64,
}
WORK = {"no_context": 0.01, "oracle_context": 0.04, "retriever_context": 0.03}
SCRIPT = "<script>window.hacked = true</script><img src=x onerror='window.hacked=true'>"


class MadeUp:
    """Files of an experiment under ``folder``: ``models`` x ``datasets`` x three modes."""

    def __init__(self, folder, models=("tiny", "small"), datasets=("facts",), questions=40):
        """Write every file that the report reads."""
        self.folder, self.models, self.datasets = Path(folder), list(models), list(datasets)
        self.questions, self.results = questions, Path(folder) / "results/made-up"
        for dataset in self.datasets:
            self.write_dataset(dataset)
            for mode in MODES:
                self.write_prompts(dataset, mode)
                for rank, model in enumerate(self.models):
                    self.write_cell(model, dataset, mode, rank)

    @property
    def cells(self):
        """All cells, in the order of the config."""
        return [(m, d, mode) for m in self.models for d in self.datasets for mode in MODES]

    def write_dataset(self, dataset):
        """Questions q0.. whose answers are numbers in words; an audit; retrieval metrics."""
        folder = self.folder / "resources/datasets" / dataset
        ids = [f"q{i}" for i in range(self.questions)]
        rows = {
            "question_id": ids,
            "question": [f"What is the {i}th <b>number</b> of {dataset}?" for i in range(len(ids))],
            "answers": [[f"number {i}", f"no. {i}"] for i in range(len(ids))],
            "gold": [[self.passage(i, True)] for i in range(len(ids))],
        }
        write_table(pl.DataFrame(rows, schema=QUESTIONS), folder / "questions.parquet")
        write_json({"kept": len(ids), "without_answer": 0}, folder / "audit.json")
        metric = {"mean": 0.6, "low": 0.5, "high": 0.7}
        metrics = {"questions": len(ids), "without_hits": 0, "metrics": {"has_answer@5": metric}}
        write_json(metrics, self.results / f"retrieval/{dataset}/bm25.json")

    def passage(self, i, right):
        """A passage that names number i, or another."""
        text = f"The list says number {i if right else i + 1000}. It is long."
        return {"id": f"p{i}{'' if right else 'x'}", "title": "List", "text": text}

    def shown(self, mode, i):
        """The passages of question i in a mode; the retriever misses every third."""
        if mode == "no_context":
            return []
        return [self.passage(i, mode == "oracle_context" or i % 3 != 0)]

    def write_prompts(self, dataset, mode):
        """One row a question, with its passages."""
        numbers = range(self.questions)
        hit = [None if mode == "no_context" else mode[0] == "o" or i % 3 != 0 for i in numbers]
        rows = {
            "question_id": [f"q{i}" for i in numbers],
            "question": [f"What is the {i}th <b>number</b> of {dataset}?" for i in numbers],
            "passages": [self.shown(mode, i) for i in numbers],
            "has_answer": hit,
            "gold_rank": [1 if h else None for h in hit],
            "template": ["{{ question }}"] * self.questions,
        }
        frame = pl.DataFrame(rows, schema=PROMPTS)
        write_table(frame, self.results / f"prompts/{dataset}/{mode}.parquet")

    def answer(self, model, mode, i):
        """A right answer with the mode's chance, else one of the usual failures."""
        luck = random.Random(f"{model}{mode}{i}")
        if luck.random() < CHANCES[mode] + 0.1 * self.models.index(model):
            return f"number {i}", f" number {i}\nQuestion: again"
        wrong = luck.choice(
            ["", "I don't know.", SCRIPT, "number", "\u0645\u0631\u062d\u0628\u0627 \U0001f600"]
        )
        return wrong, wrong

    def write_cell(self, model, dataset, mode, rank):
        """Answers and timings of one cell, and its scores by the real script."""
        made = [self.answer(model, mode, i) for i in range(self.questions)]
        count = self.questions
        answers = pl.DataFrame(
            {
                "question_id": [f"q{i}" for i in range(count)],
                "prompt": [
                    "\n".join(p["text"] for p in self.shown(mode, i)) + f"\nQuestion: {i}?"
                    for i in range(count)
                ],
                "prompt_digest": [f"{i:064x}" for i in range(count)],
                "raw_answer": [raw for _, raw in made],
                "answer": [answer for answer, _ in made],
                "prompt_tokens": [20 if mode == "no_context" else 120] * count,
                "generated_tokens": [4] * count,
                "finish_reason": ["stop"] * (count - 2) + ["length"] * min(2, count),
                "passages": [0 if mode == "no_context" else 1] * count,
                "passages_dropped": [0] * count,
                "words_cut": [0] * count,
            },
            schema_overrides=ANSWERS,
        )
        write_table(answers, self.path("answers", model, dataset, mode))
        self.write_timings(model, dataset, mode, rank)
        self.score(model, dataset, mode)

    def write_timings(self, model, dataset, mode, rank):
        """Service times, and the record of one engine run."""
        count = self.questions
        times = {
            "question_id": [f"q{i}" for i in range(count)],
            "first_token_seconds": [0.01] * count,
            "seconds": [0.05 * (1 + rank)] * count,
            "engine": [f"run-{model}"] * count,
            "work_seconds": [WORK.get(mode, 0.05) * (1 + rank)] * count,
        }
        record = {
            "id": f"run-{model}",
            "engine": "echo 1",
            "device": "cpu",
            "started": "2026-11-21T00:00:00+00:00",
            "start_seconds": {"import": 1.0, "load": 2.0},
            "generation_seconds": 2.0 * (1 + rank),
            "busy_seconds": sum(WORK.values()) * (1 + rank) * count,
            "requests": count,
            "generated_tokens": 4 * count,
            "peak_cpu_bytes": 10**9 * (1 + rank),
            "peak_gpu_bytes": 3 * 10**9 * (1 + rank),
            "energy_joules": 50.0 * (1 + rank),
            "parameters": 135_000_000 * (1 + rank),
        }
        path = self.path("timings", model, dataset, mode)
        write_table(pl.DataFrame(times, schema=TIMINGS), path, {"engines": json.dumps([record])})

    def path(self, kind, *cell, end="parquet"):
        """The path of one cell's file."""
        return self.results / kind / f"{'/'.join(cell)}.{end}"

    def score(self, model, dataset, mode):
        """Score one cell."""
        score_answers.main(
            SimpleNamespace(
                answers=[self.path("answers", model, dataset, mode)],
                questions=[self.folder / f"resources/datasets/{dataset}/questions.parquet"],
                prompts=[self.results / f"prompts/{dataset}/{mode}.parquet"],
            ),
            SimpleNamespace(
                scores=[self.path("scores", model, dataset, mode)],
                summaries=[self.path("scores", model, dataset, mode, end="json")],
            ),
            SimpleNamespace(
                metrics=METRICS, cells=[{"model": model, "dataset": dataset, "mode": mode}]
            ),
        )

    @property
    def input(self):
        """What the report's rule would name as its input."""
        files = {
            name: [self.path(name, *cell) for cell in self.cells]
            for name in ("scores", "answers", "timings")
        }
        pairs = dict.fromkeys((d, mode) for _, d, mode in self.cells)
        resources = self.folder / "resources/datasets"
        return SimpleNamespace(
            **files,
            summaries=[self.path("scores", *cell, end="json") for cell in self.cells],
            prompts=[self.results / f"prompts/{d}/{mode}.parquet" for d, mode in pairs],
            questions=[resources / d / "questions.parquet" for d in self.datasets],
            retrieval=[self.results / f"retrieval/{d}/bm25.json" for d in self.datasets],
            audits=[resources / d / "audit.json" for d in self.datasets],
        )

    @property
    def output(self):
        """Where the report goes."""
        folder = self.results / "report"
        return SimpleNamespace(
            csv=folder / "comparison.csv",
            parquet=folder / "comparison.parquet",
            html=folder / "report.html",
            figures=folder / "figures",
            pairs=folder / "pairs.csv",
            pairs_parquet=folder / "pairs.parquet",
            analysis=folder / "analysis.json",
            markdown=folder / "comparison.md",
            latex=folder / "comparison.tex",
            config=folder / "config.yaml",
        )

    @property
    def params(self):
        """The entries that define the comparison."""
        return SimpleNamespace(
            cells=self.cells,
            models={
                name: {"checkpoint": f"hf:org/{name}", "engine": "echo"} for name in self.models
            },
            datasets={name: {"object": name, "format": "jsonl"} for name in self.datasets},
            modes=MODES,
            retrievers={"bm25": {"kind": "rank_bm25", "k1": 0.9}},
            metrics=METRICS,
            experiment="made-up",
            redacted_config=self.redacted_config,
        )

    @property
    def redacted_config(self):
        """The whole config, as the driver tells it."""
        return {
            "experiment": "made-up",
            "objects": {name: {"uri": f"data/{name}.jsonl"} for name in self.datasets},
            "corpora": {"facts": {"object": "facts", "format": "text", "chunk": {"size": 5}}},
            "datasets": {name: {"object": name, "format": "jsonl"} for name in self.datasets},
            "retrievers": {"bm25": {"kind": "rank_bm25", "k1": 0.9}},
            "modes": MODES,
            "models": {
                name: {"checkpoint": f"hf:org/{name}", "engine": "echo"} for name in self.models
            },
            "metrics": METRICS,
            "generation": {"batch": "model"},
        }
