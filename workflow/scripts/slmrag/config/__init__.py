"""The config: one class per kind of entry, its checks, and how it is read."""
