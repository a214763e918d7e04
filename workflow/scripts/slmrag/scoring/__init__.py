"""Scores of answers and what they prove."""
