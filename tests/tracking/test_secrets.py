"""No secret reaches a file, the terminal or a request."""

import pytest

pytestmark = pytest.mark.slow

WORD = "planted-word-7731"
PLANTED = {
    "PLANTED_SECRET": WORD,
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLE77",
    "DB_PASSWORD": "correcthorse1",
}
PARAMS = {
    "api_key": "value-of-a-secret-key",
    "url": "https://user:urlpassword9@host/path",
    "signed": "https://b.s3/x?X-Amz-Signature=0123456789abcdefsigned&X-Amz-Expires=60",
    "hub": "hf_abcdefghijklmnopqrstuvwxyz012345",
    "nested": [{"note": f"it is {WORD}"}],
    "environment_copy": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLE77",
}
SECRETS = [
    *PLANTED.values(),
    PARAMS["api_key"],
    "urlpassword9",
    "0123456789abcdefsigned",
    PARAMS["hub"],
]


@pytest.mark.parametrize("raises", [False, True])
def test_planted_secrets_stay_here(tracked, clearml, raises):
    """Secrets in the environment, params, output, results and errors are in no file or request."""
    tracked.environment |= PLANTED
    outcome = tracked.tracked_job("leak", params={**PARAMS, "raise": raises})
    assert outcome.status == int(raises)
    log = (tracked.folder / "logs/one.log").read_text()
    assert "printed [redacted]" in log
    assert "child says [redacted]" in log
    assert len(clearml.tasks) == 2
    written = {str(path): path.read_bytes() for path in tracked.folder.rglob("*") if path.is_file()}
    written |= {f"request {path}": body for path, body in clearml.requests}
    written["terminal"] = outcome.terminal.encode()
    for name, content in written.items():
        found = [secret for secret in SECRETS if secret in name or secret.encode() in content]
        assert not found, f"{found} in {name}"


def test_the_environment_is_never_recorded(tracked, clearml):
    """A variable with a harmless name is in no file and no request either."""
    tracked.environment["HARMLESS_NAME_42"] = "harmless-value-42"
    tracked.tracked_job("complete")
    files = {str(path): path.read_bytes() for path in tracked.folder.rglob("*") if path.is_file()}
    everything = [body for _, body in clearml.requests] + list(files.values())
    assert clearml.requests
    assert not any(
        b"HARMLESS_NAME_42" in text or b"harmless-value-42" in text for text in everything
    )
