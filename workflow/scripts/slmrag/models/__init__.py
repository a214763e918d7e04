"""A model's files, read without its engine: checkpoints, tokenizers, templates, encoders."""
