"""Say line by line what works between here and the tracker."""

from slmrag.tracking.settings import Settings


def problem(chosen: Settings) -> str | None:
    """Return in one sentence why the tracker cannot be used, or None where it can."""
    from slmrag.tracking.servers import configured, connect

    if not configured(chosen):
        return f"no {chosen.backend} server is configured"
    try:
        connect(chosen)
    except Exception as error:
        return f"{chosen.backend} did not answer: {type(error).__name__}: {error}"
    return None
