"""Reranks another retriever's hits with a cross-encoder, which reads question and passage."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmrag.data import passages as corpus
from slmrag.errors import UserError
from slmrag.job.progress import bar
from slmrag.models.transformer import Transformer
from slmrag.retrieval.hits import Hits

Array = np.ndarray


def combine(
    runs: Sequence[Hits],
    questions: Sequence[str],
    passages: Path,
    depth: int,
    params: Mapping[str, Any],
) -> Hits:
    """Return the first ``candidates`` hits of the one run in the order of the model's scores.

    The score is the model's only logit, or of two the log odds of the second.
    """
    (run,) = runs
    kept = run.rank <= params.get("candidates", len(run) or 1)
    question, passage = run.question[kept], run.passage[kept]
    model = Transformer(
        Path(params["checkpoint"]),
        "AutoModelForSequenceClassification",
        params.get("max_length"),
        params,
    )
    scores = np.zeros(len(question))
    with bar(total=len(question), desc="rerank", unit="pair", unit_scale=True) as progress:
        for places, found in corpus.rows_by_block(passage, passages, "title", "text", size=1_024):
            asked = [questions[row] for row in question[places]]
            pairs = list(zip(asked, corpus.titled_texts(found), strict=True))
            for rows, logits, _ in model.batches(pairs):
                scores[places[rows]] = logit_scores(logits.cpu().numpy())
                progress.update(len(rows))
    facts = model.facts("pairs of question and passage", len(question))
    return Hits.best(question, passage, scores, depth).with_facts(**facts)


def logit_scores(logits: Array) -> Array:
    """Return one score a pair from the logits [pairs, 1 or 2]."""
    if logits.shape[1] == 1:
        return logits[:, 0]
    if logits.shape[1] == 2:
        return logits[:, 1] - logits[:, 0]
    raise UserError(f"the reranker has {logits.shape[1]} classes; a cross-encoder has 1 or 2")
