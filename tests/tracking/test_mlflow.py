"""MLflow, by its real client against a real server with basic auth and artifacts on S3.

``MLFLOW_SERVER`` names the command of a full MLflow (``pip install 'mlflow[auth]' boto3`` in an
environment of its own); ``mlflow-skinny`` here is the client alone.
"""

import json
import os
import secrets
import socket
import subprocess
import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.tracking.conftest import listed

pytestmark = pytest.mark.slow
PASSWORD = secrets.token_hex(8)
AUTH = """[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/auth.db
admin_username = admin
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


@pytest.fixture(scope="module")
def server(s3, tmp_path_factory):
    """The address of a server; starting it takes most of a minute."""
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    program = os.environ.get("MLFLOW_SERVER")
    if not program:
        pytest.skip("MLFLOW_SERVER does not name the command of a full MLflow")
    folder = tmp_path_factory.mktemp("mlflow")
    (folder / "auth.ini").write_text(AUTH.format(folder=folder, password=PASSWORD))
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = f"{program} server --app-name basic-auth --host 127.0.0.1 --port {port} --workers 1"
    command += f" --backend-store-uri sqlite:///{folder}/runs.db"
    command += " --artifacts-destination s3://tracking/mlflow"
    given = {"MLFLOW_AUTH_CONFIG_PATH": f"{folder}/auth.ini", "HOME": str(folder)}
    given |= {"MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(), **s3.environment()}
    given |= {"MLFLOW_S3_ENDPOINT_URL": s3.endpoint_url, "MLFLOW_DISABLE_TELEMETRY": "true"}
    given |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command.split(), env={**os.environ, **given}, cwd=folder, stdout=log, stderr=log
        )
    try:
        wait(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait(url, process, log):
    """Wait for an answer."""
    end = time.monotonic() + 180
    while True:
        try:
            return urlopen(url, timeout=2).close()
        except (URLError, OSError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.3)


@pytest.fixture
def tracked(place, server, monkeypatch):
    """A workplace whose jobs are sent to the server, and this process's client too."""
    credentials = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    place.environment |= {"MLFLOW_TRACKING_URI": server, **credentials}
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    place.tracking |= {"backend": "mlflow", "deadline_seconds": 60}
    place.tracking |= {"connect_seconds": 20, "project": f"project-{secrets.token_hex(4)}"}
    return place


def runs(place):
    """Return the project's runs by name."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    experiment = client.get_experiment_by_name(f"{place.tracking['project']}/exp")
    found = client.search_runs([experiment.experiment_id])
    assert len({run.info.run_name for run in found}) == len(found)
    return {run.info.run_name: run for run in found}


def test_jobs_become_nested_runs(tracked, s3):
    """Names, tags, parameters, metrics and status are ClearML's; files are in the bucket."""
    tracked.environment["SLMRAG_RUN_ID"] = "run-one"
    params = {"long": "x" * 9000, "deep": {"a": {"b": 1}}}
    jobs = [{"main": "complete", "params": params}, {"main": "crash", "name": "two"}]
    tracked.run(*jobs, status="failed")
    tracked.sync()  # a failed run is given some seconds only, too few on a busy machine
    found = runs(tracked)
    good, bad, run = (
        found[name]
        for name in ("score_answers tiny/nq/one", "score_answers tiny/nq/two", "workflow run-one")
    )
    assert [r.info.status for r in (good, bad, run)] == ["FINISHED", "FAILED", "FAILED"]
    assert {r.data.tags["mlflow.parentRunId"] for r in (good, bad)} == {run.info.run_id}
    assert good.data.params["Params.deep.a.b"] == "1"
    assert good.data.params["Params.long"].endswith("... [cut, 9000 characters]")
    assert good.data.metrics["token_recall"] == 0.5
    assert good.data.metrics["peak memory GB/model CPU"] > 0.01
    assert good.data.tags["model"] == "tiny"
    assert "told to crash" in bad.data.tags["error"]
    details = json.loads(good.data.tags["artifact.experiment_results"])
    assert details["bytes"] == len("the same bytes")
    assert any(key.endswith("experiment_results/one.txt") for key in listed(s3))


def test_sync_sends_once(tracked):
    """What was kept, or half sent, or whose note was lost, arrives once."""
    tracked.job("crash")
    assert tracked.sync()["counts"] == {"sent": 1}
    next(tracked.folder.glob("results/exp/jobs/**/*.mlflow.json")).unlink()
    assert tracked.sync()["counts"] == {"sent": 1}
    assert tracked.sync()["counts"] == {"sent": 0}
    (run,) = runs(tracked).values()
    assert run.info.status == "FAILED"


def test_the_check(tracked):
    """Every step is ok; with a wrong password the credentials are what is wrong."""
    config = tracked.folder / "config.yaml"
    config.write_text("tracking: {backend: mlflow, deadline_seconds: 60, connect_seconds: 20}\n")
    done = tracked.python("-m", "slmrag.tracking.check", str(config))
    assert done.returncode == 0, done.stdout
    tracked.environment["MLFLOW_TRACKING_PASSWORD"] = "wrong"
    said = tracked.python("-m", "slmrag.tracking.check", str(config)).stdout
    assert "FAIL  credentials: the server refuses the user name and password" in said
    assert PASSWORD not in said
