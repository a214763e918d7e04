"""Files of the model hub: data sets, single files, and checkpoints in folders of a repository."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage import hub

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
sys.path[:0] = ["workflow/scripts"]
from pathlib import Path
from types import SimpleNamespace
import download_model, download_object
from slmrag.errors import UserError
from slmrag.config.hub_names import named_revision
from slmrag.dag.local_sources import Source
from slmrag.dag.resource_keys import Download
from slmrag.dag.remote_changes import describe_changes
folder, uri, is_model = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "model"
output = SimpleNamespace(checkpoint=folder, data=folder, manifest=Path(f"{folder}.json"))
params = SimpleNamespace(
    uri=uri, storage={}, revision=named_revision(uri), entry={"uri": uri}, content=None
)
try:
    if not output.manifest.exists():
        (download_model if is_model else download_object).main(SimpleNamespace(), output, params)
    source = Source(uri, is_model)
    one = Download("it", source, params.revision, str(output.manifest))
    print(*describe_changes([one], {}), sep="\\n")
except UserError as error:
    print("error:", error)
"""


def fetch(tmp_path, here, uri, kind="object", **variables):
    """Fetch into ``raw`` what is not there yet; return what is said on both streams."""
    pytest.importorskip("huggingface_hub")
    online = {"HF_ENDPOINT": here.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")}
    environment = os.environ | online | {"HF_HUB_DISABLE_XET": "1"} | variables
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "raw"), uri, kind]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def names(folder):
    """Return the names of the files below a folder."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def here():
    """Serve a repository of two commits, the first of which has a tag."""
    with hub.serve() as serving:
        serving.names["v1"] = serving.commit(**{"data/a_csv": b"one", "data/sub/b_csv": b"b"})
        serving.commit(**{"data/a_csv": b"two", "config_json": b"{}", "README_md": b"card"})
        yield serving


@pytest.mark.parametrize(
    "path, expected",
    [
        ("org/name@v1", ["data/a.csv", "data/sub/b.csv"]),
        ("datasets/org/name@v1/data/", ["a.csv", "sub/b.csv"]),
        ("datasets/org/name@v1/data/a.csv", ["a.csv"]),
        ("datasets/org/name@v1/data/*.csv", ["a.csv"]),
        ("datasets/org/name@v1/data/**.csv", ["a.csv", "sub/b.csv"]),
        ("org/name@v1/**/a.*", ["data/a.csv"]),
    ],
)
def test_what_an_address_names(tmp_path, here, path, expected):
    """All files, a folder or a file of a data set or of a model come, at the named revision."""
    said, _ = fetch(tmp_path, here, f"hf:{path}")
    files = json.loads((tmp_path / "raw.json").read_text())["files"]
    assert said == "" and names(tmp_path / "raw") == expected
    assert {file["version_id"] for file in files} == {here.names["v1"]}
    assert json.loads((tmp_path / "raw.json").read_text())["revision"] == here.names["v1"]
    assert {*here.sent} == {name.rpartition("/")[2] for name in expected}
    assert b"one" in [(tmp_path / "raw" / name).read_bytes() for name in expected]


def test_unpinned_and_moved_on(tmp_path, here):
    """A branch's commit is told once, with the address that keeps to it, and so is a change."""
    uri, commit = "hf:datasets/org/name/data/a.csv", [*here.commits][-1]
    said, warned = fetch(tmp_path, here, uri)
    pinned = f"hf:datasets/org/name@{commit}/data/a.csv"
    assert said == "" and warned.count(f"to pin it, write {pinned}") == 1
    assert f"{uri}: its main branch is not a commit" in warned and "No files matched" not in warned
    (tmp_path / "pinned").mkdir()
    assert "write" not in fetch(tmp_path / "pinned", here, pinned)[1]
    here.commit(**{"data/sub/b_csv": b"other"})
    assert fetch(tmp_path, here, uri)[0] == ""
    here.commit(**{"data/a_csv": b"three"})
    said, _ = fetch(tmp_path, here, uri)
    assert "is at commit" in said and "a.csv changed; to fetch it again: snakemake" in said
    assert (tmp_path / "raw/a.csv").read_bytes() == b"two"


def test_offline(tmp_path, here):
    """What was fetched once is taken from the cache; what is not whole there is refused."""
    fetch(tmp_path, here, "hf:datasets/org/name@v1/data/a.csv")
    for name in ("raw", "raw.json"):
        (tmp_path / name).rename(tmp_path / f"first-{name}")
    said, _ = fetch(tmp_path, here, "hf:datasets/org/name@v1/data/a.csv", HF_HUB_OFFLINE="1")
    assert names(tmp_path / "raw") == ["a.csv"]
    (tmp_path / "raw.json").unlink()
    for path in ("data", "data/**.csv"):
        said, _ = fetch(tmp_path, here, f"hf:datasets/org/name@v1/{path}", HF_HUB_OFFLINE="1")
        assert said.startswith("error: hf:datasets/org/name")
    fetch(tmp_path, here, "hf:datasets/org/name@v1/data/*.csv", HF_HUB_OFFLINE="1")
    assert names(tmp_path / "raw") == ["a.csv"]


def test_offline_and_nothing_says_what_is_whole(tmp_path, here):
    """Of a cache without the list of a commit's files a file is taken, and no folder."""
    fetch(tmp_path, here, "hf:datasets/org/name@v1/data/a.csv")
    for path in [*(tmp_path / "home").rglob("trees/*.json"), tmp_path / "raw.json"]:
        path.unlink()
    said, _ = fetch(tmp_path, here, "hf:datasets/org/name@v1/data", HF_HUB_OFFLINE="1")
    assert "some may be missing; fetch it on a machine with internet" in said
    fetch(tmp_path, here, "hf:datasets/org/name@v1/data/a.csv", HF_HUB_OFFLINE="1")
    assert names(tmp_path / "raw") == ["a.csv"]


def test_a_pattern_that_moves_on(tmp_path, here):
    """A file that the pattern means counts, and one beside it does not."""
    uri = "hf:datasets/org/name@main/data/*.csv"
    fetch(tmp_path, here, uri)
    here.commit(**{"data/sub/b_csv": b"other", "data/c_txt": b"c"})
    assert fetch(tmp_path, here, uri)[0] == ""
    here.commit(**{"data/c_csv": b"new"})
    assert "c.csv changed" in fetch(tmp_path, here, uri)[0]


def test_no_such_path(tmp_path, here):
    """A path that the repository lacks is named."""
    said, _ = fetch(tmp_path, here, "hf:datasets/org/name@v1/dat")
    assert said.startswith("error: hf:datasets/org/name: the repository holds no dat at commit")
    said, _ = fetch(tmp_path, here, "hf:datasets/org/name@v1/data/*.parquet")
    assert "the repository holds no data/*.parquet at commit" in said


@pytest.mark.parametrize("page", ["datasets/org/name", "org/name"])
def test_gated(tmp_path, here, page):
    """A gated repository says where its terms are accepted, and what to set."""
    here.gated = True
    said, _ = fetch(tmp_path, here, f"hf:{page}@v1/data/a.csv")
    assert f"is gated: log in and accept its terms at {here.url}/{page}, then set $HF_TOK" in said


def test_a_checkpoint_in_a_folder(tmp_path, here):
    """A model in a folder of a repository comes without what lies beside it, and is watched."""
    here.commit(**{"sub/config_json": b"{}", "sub/model_safetensors": b"one"})
    here.commit(**{"model_safetensors": b"other", "sub/model_safetensors": b"two"})
    uri = "hf:org/name@main/sub"
    assert fetch(tmp_path, here, uri, "model")[0] == ""
    assert names(tmp_path / "raw") == ["config.json", "model.safetensors"]
    assert (tmp_path / "raw/model.safetensors").read_bytes() == b"two"
    here.commit(**{"model_safetensors": b"another"})
    assert fetch(tmp_path, here, uri, "model")[0] == ""
    here.commit(**{"sub/model_safetensors": b"three"})
    assert "model.safetensors changed" in fetch(tmp_path, here, uri, "model")[0]
