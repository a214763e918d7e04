"""Checkpoints: weights as safetensors, from a prefix, a folder and the hub's cache."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import download_model
import pytest
from slmrag.errors import UserError

from tests.storage import hub
from tests.storage.conftest import BUCKET

pytestmark = pytest.mark.slow

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def fetch(tmp_path, uri, **params):
    """Run the job's main; return the names of the checkpoint's files and the manifest."""
    output = SimpleNamespace(checkpoint=tmp_path / "model", manifest=tmp_path / "model.json")
    download_model.main(SimpleNamespace(), output, SimpleNamespace(uri=uri, storage={}, **params))
    names = sorted(
        path.relative_to(output.checkpoint).as_posix()
        for path in output.checkpoint.rglob("*")
        if path.is_file()
    )
    return names, json.loads(output.manifest.read_text())


@pytest.mark.parametrize("uri", [f"s3://{BUCKET}/models/tiny/", f"s3://{BUCKET}/models/tiny"])
def test_a_prefix(tmp_path, bucket, credentials, uri):
    """A prefix brings weights and descriptions, neither pickles nor code."""
    names, manifest = fetch(tmp_path, uri)
    assert names == ["config.json", "model.safetensors", "sub/a.json"]
    assert manifest["revision"] is None and len(manifest["digest"]) == 64


def checkpoint(folder, *names):
    """Make a folder of small files."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(name)
    return folder


def test_a_folder(tmp_path):
    """A local folder is copied, hidden files left out."""
    source = checkpoint(tmp_path / "x", "config.json", "a.safetensors", ".DS_Store", "LICENSE")
    assert fetch(tmp_path, str(source))[0] == ["LICENSE", "a.safetensors", "config.json"]


def test_no_safetensors(tmp_path):
    """Pickled weights are refused by name, unless the entry allows them."""
    source = checkpoint(tmp_path / "x", "config.json", "pytorch_model.bin", "training_args.bin")
    with pytest.raises(UserError, match=r"no \*\.safetensors but pytorch_model\.bin"):
        fetch(tmp_path, str(source))
    assert not (tmp_path / "model").exists()
    names, _ = fetch(tmp_path, str(source), allow_pickle=True)
    assert names == ["config.json", "pytorch_model.bin"]


def test_safetensors_are_preferred(tmp_path):
    """Where both lie there, an allowed pickle is left where it is."""
    source = checkpoint(tmp_path / "x", "config.json", "a.safetensors", "pytorch_model.bin")
    names, _ = fetch(tmp_path, str(source), allow_pickle=True)
    assert names == ["a.safetensors", "config.json"]


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def load(folder):
    """Load a checkpoint as the engine of Transformers does."""
    from slmrag.generation.engines import base
    from slmrag.generation.engines.transformers import Engine

    config = base.EngineConfig(entry={}, sampling=base.Sampling(), checkpoint=folder)
    with Engine(config) as engine:
        return engine._model.state_dict()


def test_an_allowed_pickle_runs_no_code(tmp_path):
    """An engine takes the tensors of an allowed pickle, and refuses one that would run code."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from safetensors.torch import load_file

    from tests.models.tiny_model import make_model

    source = make_model(tmp_path / "x")
    weights = load_file(source / "model.safetensors")
    (source / "model.safetensors").unlink()
    torch.save(weights, source / "pytorch_model.bin")
    fetch(tmp_path, str(source), allow_pickle=True)
    name = "model.norm.weight"
    assert torch.equal(load(tmp_path / "model")[name], weights[name])
    torch.save(weights | {"trap": Trap(tmp_path / "ran")}, tmp_path / "model/pytorch_model.bin")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        load(tmp_path / "model")
    assert not (tmp_path / "ran").exists()


def test_no_checkpoint(tmp_path):
    """A folder without config.json is no checkpoint."""
    with pytest.raises(UserError, match=r"no config\.json"):
        fetch(tmp_path, str(checkpoint(tmp_path / "x", "a.safetensors")))


def test_a_name_of_the_hub_without_its_scheme(tmp_path):
    """Who forgets hf: is told to write it."""
    with pytest.raises(UserError, match=r"org/name: no such folder; .* write hf:org/name"):
        fetch(tmp_path, "org/name")


PROGRAM = """
import json, sys
sys.path[:0] = ["workflow/scripts"]
from slmrag.models.checkpoint_download import fetch_checkpoint
from slmrag.errors import UserError
try:
    print(json.dumps(fetch_checkpoint(sys.argv[1], sys.argv[2] or None, sys.argv[3], {})))
except UserError as error:
    print("error:", error)
"""


def from_hub(tmp_path, uri, revision, **variables):
    """Fetch in a process that may not use the network, from a cache made by hand."""
    pytest.importorskip("huggingface_hub")
    repo = tmp_path / "hub/models--org--name"
    if not repo.exists():
        checkpoint(repo / "snapshots" / COMMIT, "config.json", "model.safetensors")
        (repo / "refs").mkdir()
        (repo / "refs/main").write_text(COMMIT)
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"} | variables
    command = [sys.executable, "-c", PROGRAM, uri, revision, str(tmp_path / "model")]
    root = Path(__file__).parents[2]
    return subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=True
    )


@pytest.mark.parametrize("revision", ["", "main", COMMIT])
def test_the_hub_offline(tmp_path, revision):
    """A cached repository is taken offline, and its commit recorded; unpinned, it is warned of."""
    done = from_hub(tmp_path, "hf:org/name", revision)
    resolved, files = json.loads(done.stdout)
    assert resolved == COMMIT and len(files) == 2
    assert (f"to pin it, write hf:org/name@{COMMIT}" in done.stderr) == (revision != COMMIT)
    assert not (tmp_path / "model/config.json").is_symlink()


def test_a_wrong_revision(tmp_path):
    """A revision that the cache lacks is named, offline; one that the hub lacks, online."""
    done = from_hub(tmp_path, "hf:org/name", "f" * 40)
    assert f"has no copy of revision {'f' * 40}; check it" in done.stdout

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(404)
            self.send_header("X-Error-Code", "RevisionNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        online = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_OFFLINE": "0"}
        done = from_hub(tmp_path, "hf:org/name", "nosuch", **online)
        server.shutdown()
    assert done.stdout.startswith("error: hf:org/name, revision nosuch: RevisionNotFoundError")
    assert done.stdout.rstrip().endswith("check name, revision and $HF_TOKEN")


WATCH = """
import sys
sys.path[:0] = ["workflow/scripts"]
from pathlib import Path
from types import SimpleNamespace
import download_model
from slmrag.dag.local_sources import Source
from slmrag.dag.resource_keys import Download
from slmrag.dag.remote_changes import describe_changes
folder, revision = Path(sys.argv[1]), sys.argv[2] or None
output = SimpleNamespace(checkpoint=folder / "m.v1", manifest=folder / "m.v1.json")
if not output.manifest.exists():
    params = SimpleNamespace(uri="hf:org/name", storage={}, revision=revision)
    download_model.main(SimpleNamespace(), output, params)
source = Source("hf:org/name", True)
fetched = Download("model 'm'", source, revision, str(output.manifest))
print(*describe_changes([fetched], {}), sep="\\n")
"""


def watched(tmp_path, hub, revision="", **variables):
    """Fetch what is not there yet, and return what is said of the hub's changes."""
    pytest.importorskip("huggingface_hub")
    online = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")}
    environment = os.environ | online | {"HF_HUB_DISABLE_XET": "1"} | variables
    command = [sys.executable, "-c", WATCH, str(tmp_path), revision]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_hub_has_moved_on(tmp_path):
    """A branch with other weights is told, one with another README is not, a commit never asked."""
    with hub.serve() as here:
        files = {"config_json": b"{}", "model_safetensors": b"one", "README_md": b"card"}
        first = here.commit(**files, consolidated_safetensors=b"one", optimizer_pt=b"state")
        assert watched(tmp_path, here) == ""
        assert {*here.sent} == {"config.json", "model.safetensors", "README.md"}
        here.commit(README_md=b"another card", optimizer_pt=b"later")
        assert watched(tmp_path, here) == ""
        now = here.commit(model_safetensors=b"two", chat_template_jinja=b"{{ messages }}")
        said = watched(tmp_path, here)
        assert f"is at commit {now[:12]} now and was at {first[:12]} when it was fetched" in said
        assert "chat.template.jinja, model.safetensors changed; to fetch it again" in said
        assert said.endswith(f"snakemake --forcerun {tmp_path / 'm.v1.json'}")
        assert watched(tmp_path, here, first) == ""
        assert "two" not in (tmp_path / "m.v1/model.safetensors").read_text()
        said = watched(tmp_path, here, HF_HUB_OFFLINE="1")
    assert "could not be checked, the earlier download is kept: hf:org/name" in said


def test_not_in_the_cache(tmp_path):
    """A repository that is not cached is one sentence offline."""
    done = from_hub(tmp_path, "hf:org/other", "")
    assert done.stdout.startswith("error: hf:org/other: the hub cannot be reached")
    assert done.stdout.count("\n") == 1
