"""A comparison in Chinese, from documents to scores."""

import json

import polars as pl
import pytest

from tests.workflow.finished import write_lines
from tests.workflow.project import make_project

pytestmark = pytest.mark.slow

TEXTS = ["巴黎是法国的首都。位于塞纳河畔。", "东京是日本的首都。货币是日元。", "利马是秘鲁的首都。"]
ASKED = [("法国的首都是哪里？", "巴黎"), ("日本的货币是什么？", "日元")]


def test_a_comparison_in_chinese(tmp_path):
    """Sentences are passages, questions find theirs, and metrics that know Chinese see words."""
    project = make_project(
        tmp_path / "p",
        objects={"passages": {"uri": "data/p.jsonl"}, "questions": {"uri": "data/q.jsonl"}},
        corpora={"facts": {"format": "jsonl", "language": "zh-CN", "chunk": {"by": "sentences"}}},
        datasets={"quiz": {"format": "jsonl", "language": "zh"}},
        modes={"no_context": None, "oracle_context": None},
        models={"parrot": {"engine": "echo", "options": {"answer": "答案：巴黎市。"}}},
        metrics={"variants": ["mlqa", "unicode"]},
    )
    config = project.config
    config["corpora"]["facts"]["chunk"]["size"] = 1
    config["modes"] = {k: v for k, v in config["modes"].items() if v}
    project.write(config)
    passages = enumerate(TEXTS, 1)
    write_lines(
        project.folder / "data/p.jsonl",
        ({"id": str(n), "title": "", "text": t} for n, t in passages),
    )
    write_lines(
        project.folder / "data/q.jsonl", ({"question": q, "answers": [a]} for q, a in ASKED)
    )
    project.run()
    hits = pl.read_parquet(project.folder / "results/tiny/retrieval/quiz/bm25.parquet")
    assert hits.filter(rank=1)["passage_id"].to_list() == ["1#0", "2#1"]
    (index,) = project.folder.glob("resources/indexes/facts-*/bm25-*/index.json")
    about = json.loads(index.read_text())
    assert (about["built"]["language"], about["passages"]) == ("zh-CN", 5)
    cell = project.read("results/tiny/scores/parrot/quiz/retriever_context.json")
    means = [cell[name]["mean"] for name in ("token_recall", "mlqa_f1", "unicode_token_match")]
    assert (cell["language"], means, cell["has_answer"]) == ("zh", [0, 0.4, 0.5], 1)
    page = (project.folder / "results/tiny/report/report.html").read_text()
    assert "quiz: 2 of 2 questions have only references that token_recall and its kin" in page
    assert "parrot/quiz/retriever_context: 2 of 2 answers" in page
