"""Snakemake before an S3 server that refuses first: one line, nothing half-written, then all."""

import json

import pytest

from tests.storage.conftest import BUCKET, PUBLIC
from tests.workflow.project import make_project

pytestmark = pytest.mark.slow
MODES = {"oracle_context": None}
NO_WEIGHTS = (2).to_bytes(8, "little") + b"{}"


@pytest.fixture
def project(tmp_path, bucket, credentials):
    """A tiny project whose raw files lie in the bucket alone, its model in a public one."""
    uris = {"passages": "quiz/passages.tsv", "questions": "quiz/questions.json"}
    objects = {name: {"uri": f"s3://{BUCKET}/{key}"} for name, key in uris.items()}
    model = {"checkpoint": {"uri": f"s3://{PUBLIC}/weights", "anonymous": True}}
    made = make_project(tmp_path / "p", objects=objects, modes=MODES, models={"parrot": model})
    for name, body in {"config.json": b"{}", "model.safetensors": NO_WEIGHTS}.items():
        bucket.put_object(Bucket=PUBLIC, Key=f"weights/{name}", Body=body)
    for key in uris.values():
        file = made.folder / "data" / key.split("/")[1]
        bucket.put_object(Bucket=BUCKET, Key=key, Body=file.read_bytes())
        file.unlink()
    return made


def state(folder):
    """Return each file below ``folder``, its content and when it was written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_wrong_secret_and_then_the_right_one(project, monkeypatch):
    """The refused run says why in one line and leaves what was good; the next one finishes."""
    raw = project.folder / "resources/raw"
    project.run("--until", "prepare_corpus")
    good = state(raw)
    assert good
    with monkeypatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
        refused = project.run(check=False)
    errors = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert refused.returncode and len(errors) == 1, refused.stderr
    assert f"s3://{BUCKET}/quiz/questions.json" in errors[0]
    assert "refuses the secret key; check AWS_ACCESS_KEY_ID and" in errors[0]
    assert "hush-hush" not in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr
    assert state(raw) == good
    project.run()
    assert state(raw).items() > good.items()
    (manifest,) = raw.glob("questions-*.json")
    assert json.loads(manifest.read_text())["files"]
    assert (project.folder / "results/tiny/report/report.html").stat().st_size
    assert not [path for path in project.folder.rglob("*.part*") if "journal" not in str(path)]
