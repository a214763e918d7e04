"""What the Snakefile itself asks: the grid, digests of code and sources, status."""
