"""No secret that a config, a file's address, a passage or an answer holds reaches the report."""

import base64
import gzip
import json
import re

import polars as pl
import report_comparison

from tests.report.made_up import MadeUp

WORD = "planted-word-7731"
SECRETS = [WORD, "urlpassword9", "value-of-a-key-5", "hf_abcdefghijklmnopqrstuvwxyz012345"]


def test_planted_secrets_are_masked(tmp_path, monkeypatch):
    """Neither a file of the report nor the packed data of its page holds one of them."""
    monkeypatch.setenv("PLANTED_SECRET", WORD)
    made = MadeUp(tmp_path, questions=20)
    for path in made.input.answers:
        said = (
            pl.lit("").alias("answer"),
            pl.lit(f"it is {WORD} or {SECRETS[3]}").alias("raw_answer"),
        )
        pl.read_parquet(path).with_columns(*said, prompt=pl.lit(f"say {WORD}")).write_parquet(path)
    for path in made.input.questions:
        rows = pl.read_parquet(path)
        rows.with_columns(question=pl.format("{} " + WORD, "question")).write_parquet(path)
    for cell in made.cells:
        made.score(*cell)
    params, inputs = made.params, made.input
    url = f"https://bob:{SECRETS[1]}@host/v1"
    params.models = {
        name: entry | {"endpoint": url, "options": {"api_key": SECRETS[2]}}
        for name, entry in params.models.items()
    }
    params.redacted_config |= {"models": params.models, "judge": {"model": {"endpoint": url}}}
    for path in inputs.prompts:
        told = pl.read_parquet(path).with_columns(template=pl.lit(f"{{{{ question }}}} {WORD}"))
        told.write_parquet(path)
    manifest = tmp_path / "raw.json"
    manifest.write_text(json.dumps({"uri": url, "digest": "0"}))
    inputs.manifests = [manifest]
    report_comparison.main(inputs, made.output, params)
    folder = made.output.html.parent
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    packed = re.findall(rb">\s*(H4sI[A-Za-z0-9+/=]+)\s*<", made.output.html.read_bytes())
    texts += [gzip.decompress(base64.b64decode(text)) for text in packed]
    saved = re.findall(rb"application/yaml;base64,([A-Za-z0-9+/=]+)", made.output.html.read_bytes())
    texts += [base64.b64decode(text) for text in saved]
    assert len(packed) == 2 and len(saved) == 1
    assert any(b"[redacted]" in text for text in texts)
    assert not [secret for secret in SECRETS for text in texts if secret.encode() in text]
