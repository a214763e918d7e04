"""One class for each kind of config entry: what it may say, and what it means."""
