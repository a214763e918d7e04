"""What all tests share: nothing is fetched, nothing outlives a test."""

import os

from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

settings.register_profile("quiet", deadline=None)  # a busy machine is no failure
settings.load_profile("quiet")
