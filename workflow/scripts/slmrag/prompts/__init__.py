"""Contexts and prompts, and how they become the text that a model reads."""
