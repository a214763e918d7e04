"""Secrets are masked, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmrag.config.redaction import MASK, is_secret_name, redact, redact_values, secret_values
from slmrag.job.log_process import redact_pieces


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "AWS_SECRET_ACCESS_KEY",
        "api_key",
        "apiKey",
        "HF_TOKEN",
        "token",
        "db_pwd",
        "Authorization",
        "private-key",
        "CLEARML_API_SECRET_KEY",
        "google_credentials",
        "SLACK_WEBHOOK",
        "hook_url",
        "token_recall_token",
        "token_matcher",
    ],
)
def test_secret_names(name):
    """A name that says secret, password, key or token holds a secret."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens",
        "tokenizer",
        "tokens_per_second",
        "token_recall",
        "raw_token_match_low",
        "PWD",
        "keys",
        "question",
        "monkey",
        "webhook_env",
    ],
)
def test_plain_names(name):
    """A name that only looks like one does not."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLE77",
        "hf_abcdefghijklmnopqrstuvwxyz0123",
        "ghp_abcdefghijklmnopqrstuvwxyz012345",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_shapes(text):
    """A value in the shape of a key is masked wherever it stands."""
    assert redact(f"before {text} after", frozenset()) == f"before {MASK} after"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 40,
        "0123456789abcdef0123456789abcdef01234567",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "s3://bucket/a/long/path/to/Some/Object1/that/has/slashes.parquet",
        "the capital of France is Paris",
        "http://host:8080/path",
    ],
)
def test_what_is_no_secret_stays(text):
    """Digests, commits, paths and prose are left as they are."""
    assert redact(text, frozenset()) == text


def test_a_password_in_a_url_goes_and_the_host_stays():
    """``user:password`` in a URL is masked, its host is not."""
    assert redact("https://me:pass@host/x", frozenset()) == f"https://{MASK}@host/x"


def test_values_of_the_environment(tmp_path):
    """Values under secret names are known secrets, but not short ones and not files' places."""
    file = tmp_path / "credentials"
    file.touch()
    found = secret_values(
        {
            "MY_SECRET": "hunter2x",
            "A_TOKEN": "1",
            "X_CREDENTIALS": str(file),
            "HOME": "/home/me-too",
        }
    )
    assert found == {"hunter2x"}


def test_structures():
    """Keys, lists and nested values are masked by name and by value; numbers stay."""
    value = {"api_key": "x", "n": 3, "ok": True, "none": None, "l": [{"password": "y", "k": "z"}]}
    expected = {"api_key": MASK, "n": 3, "ok": True, "none": None}
    assert redact_values(value) == expected | {"l": [{"password": MASK, "k": "z"}]}


def test_a_private_key_over_many_lines_is_masked():
    """The log's pump masks a private key that arrives line by line."""
    lines = [
        b"a\n",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"MIIE\n",
        b"-----END PRIVATE KEY-----\n",
        b"b\n",
    ]
    assert b"".join(redact_pieces(iter(lines))) == f"a\n{MASK}\nb\n".encode()


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text):
    """What is clean stays as it is."""
    once = redact(text, frozenset({"some secret"}))
    assert redact(once, frozenset({"some secret"})) == once
