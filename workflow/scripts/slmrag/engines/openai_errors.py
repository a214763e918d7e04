"""What an endpoint's error means for the one who reads the log's last line."""

from slmrag.errors import UserError

STATUS = {
    401: "refuses the key; export the right one in the variable that options.api_key_env names",
    403: "refuses the key; export the right one in the variable that options.api_key_env names",
    404: "knows no such path or model; check endpoint (it ends in /v1) and served_name",
    429: "is busy even after all retries; lower options.concurrency or set requests_per_second",
}


def explained(error: BaseException, place: str) -> BaseException:
    """Return what to change, for an error of the endpoint."""
    from openai import APIConnectionError, APIStatusError

    kept = "; what was finished is kept, run again"
    if isinstance(error, APIStatusError):
        code = error.status_code
        broken = "fails even after all retries" if code >= 500 else f"refuses ({error.message})"
        return UserError(f"{place} answers {code}: it {STATUS.get(code, broken)}{kept}")
    if isinstance(error, APIConnectionError):
        return UserError(f"{place} does not answer ({error}); is the server up?{kept}")
    return error
