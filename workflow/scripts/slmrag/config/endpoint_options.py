"""The options of an endpoint that are no keys of a request's body.

They stand apart from the checks of ``engine_options``: an engine imports them, and an edit of a
check must rerun no answers.
"""

SPEED_OPTIONS = frozenset(
    {
        "api_key_env",
        "concurrency",
        "longest_wait",
        "requests_per_second",
        "retries",
        "timeout",
        "total_timeout",
    }
)
"""Options of waiting, retrying and speed: they cannot change an answer."""

CLIENT_OPTIONS = frozenset({"extra_body", "extra_headers", "extra_query"})
"""Options that the client takes beside the body."""
