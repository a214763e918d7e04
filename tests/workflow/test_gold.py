"""Gold passages of several layouts, against one corpus, by the real commands."""

import csv
import json

import pytest

from tests.workflow.project import PASSAGES, QUESTIONS, Project, make_project

pytestmark = pytest.mark.slow
GOLD_METRICS = ("gold_recall@1", "mrr", "ndcg@1")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run of one corpus in chunks, with gold by text, by document, and in sentences."""
    gold = ("by_text", "in_part")
    entry = {"object": "asked", "format": "jsonl", "corpus": "chunks"}
    documents = {"object": "by_id", "gold": "book", "gold_format": "text"}
    project = make_project(
        tmp_path_factory.mktemp("gold") / "project",
        objects={n: {"uri": f"data/{n}.jsonl"} for n in ("asked", "by_id")}
        | {n: {"uri": f"data/{n}.csv"} for n in gold}
        | {"book": {"uri": "data/book/"}},
        corpora={"chunks": {"object": "book", "format": "text", "chunk": {"size": 12}}},
        datasets={n: entry | {"gold": n} for n in gold} | {"documents": entry | documents},
    )
    write(project)
    project.run()
    return project


def write(project: Project) -> None:
    """Write a book of two passages a document, whose first 12 words are one, and its questions."""
    data, asked = project.folder / "data", [q for q in QUESTIONS if q[2] in (0, 3)]
    (data / "book").mkdir()
    for number, (title, text) in enumerate(PASSAGES):
        more = "This is what the book has to say of it. " * 2
        (data / f"book/{number}.md").write_text(f"# {title}\n{text} {more}\n")
    questions = [{"question": q, "answers": a, "question_id": f"q{n}"} for q, a, n in asked]
    write_lines(data / "asked.jsonl", questions)
    write_lines(
        data / "by_id.jsonl", [q | {"gold": [f"{q['question_id'][1:]}.md"]} for q in questions]
    )
    for name, words in (("by_text", 12), ("in_part", 6)):
        with open(data / f"{name}.csv", "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["question", "text"])
            rows.writerows([q, "\n ".join(PASSAGES[n][1].split()[:words])] for q, _, n in asked)


def write_lines(path, rows) -> None:
    """Write rows as JSON lines."""
    path.write_text("\n".join(map(json.dumps, rows)))


def metrics(project: Project, dataset: str) -> dict:
    """Return the metrics of BM25's hits."""
    return project.read(f"results/tiny/retrieval/{dataset}/bm25.json")["metrics"]


def test_gold_by_question_and_text_is_found(project: Project) -> None:
    """The text is compared, whatever its white space, where gold has no id of the corpus."""
    found = metrics(project, "by_text")
    assert [found[name]["mean"] for name in GOLD_METRICS] == [1, 1, 1]


@pytest.mark.parametrize(
    ("dataset", "related"), [("documents", "chunk_of_gold@1"), ("in_part", "gold_in_chunk@1")]
)
def test_gold_that_is_no_passage_is_null(project: Project, dataset: str, related: str) -> None:
    """A document and a part of a passage have null metrics, and a relation of their own."""
    found = metrics(project, dataset)
    assert [found[name]["mean"] for name in GOLD_METRICS] == [None] * 3
    assert all("no gold passage is in the corpus" in found[n]["reason"] for n in GOLD_METRICS)
    assert found[related]["mean"] == 1
    html = (project.folder / "results/tiny/report/report.html").read_text()
    assert f"{dataset}, bm25: gold recall, MRR and nDCG are not known" in html


def test_verify_measures_the_hits_again(project: Project) -> None:
    """Every run's hits are held against their corpus once more."""
    done = project.run("verify")
    assert "retrieval metrics" in done.stdout + done.stderr
