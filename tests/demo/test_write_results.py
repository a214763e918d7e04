"""The page of published results holds what the report says, and nothing without a report."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo import write_results

ROOT = Path(__file__).parents[2]
CELL = {
    "dataset": "simpleqa", "mode": "no_context", "n": 10, "token_recall": 0.25,
    "token_recall_low": 0.1, "token_recall_high": 0.5, "f1": 0.125, "truncated": 3,
}  # fmt: skip
PAIR = {
    "dataset": "factbook", "first": "none", "second": "oracle", "n": 10, "effect": -0.5,
    "effect_low": -0.75, "effect_high": -0.25, "p_holm": 0.00021, "verdict": "oracle is better",
}  # fmt: skip
FOUND = {
    "retrieval": [{"retriever": "bm25", "mrr": 0.5, "mrr_low": 0.25, "mrr_high": 0.75}],
    "contents": [
        {"what": "models/tiny", "name": "uri", "value": "s3://x"},
        {"what": "models/tiny", "name": "digest", "value": "0123456789abcdef0123"},
    ],
    "versions": [{"what": "engine", "name": "tiny", "value": "vllm 1.2"}],
}


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A report of one cell and one pair, and the place of the page."""
    for name, row in {"comparison": CELL, "pairs": PAIR}.items():
        with open(tmp_path / f"{name}.csv", "w", newline="") as file:
            table = csv.DictWriter(file, row)
            table.writeheader()
            table.writerow(row)
    (tmp_path / "analysis.json").write_text(json.dumps(FOUND))
    monkeypatch.setattr(write_results, "REPORT", tmp_path)
    monkeypatch.setattr(write_results, "PAGE", tmp_path / "results.md")
    return tmp_path


def test_the_page_holds_the_report(report):
    """Cells, pairs, retrieval, digests and versions; what has no interval is a dash."""
    write_results.main()
    page = (report / "results.md").read_text()
    assert "| simpleqa | no_context | 10 | 0.250 [0.100, 0.500] | - | - | 3 |" in page
    assert "| factbook | none - oracle | 10 | -0.500 [-0.750, -0.250] | 0.00021 |" in page
    assert "| bm25 | - | - | - | - | 0.500 [0.250, 0.750] |" in page
    assert "| models/tiny | `0123456789abcdef` |" in page and "| engine: tiny | vllm 1.2 |" in page
    assert "s3://x" not in page


def test_without_a_report_there_is_no_page(tmp_path):
    """One sentence says what to run first."""
    script = tmp_path / "demo/write_results.py"
    script.parent.mkdir()
    script.write_text((ROOT / "demo/write_results.py").read_text())
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 1 and "run make results first" in done.stderr
    assert not (tmp_path / "docs").exists()
