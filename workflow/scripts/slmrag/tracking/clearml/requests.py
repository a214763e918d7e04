"""What all requests to ClearML share: their failure, and the server's limits on tasks."""

RUNNING = ("created", "queued", "in_progress")
"""States of a task that takes artifacts and models; a server refuses them for one that ended."""
FINISHED = ("completed", "published", "closed")
"""States of a dataset that is whole."""


class TrackerError(Exception):
    """The tracker did not answer, or refused."""
