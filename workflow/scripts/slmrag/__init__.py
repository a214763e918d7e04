"""The workflow's own package, found by every job because Snakemake puts its folder on the path."""
