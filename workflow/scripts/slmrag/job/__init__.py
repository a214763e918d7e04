"""What runs in and beside a job: log, memory, events, attempts."""
