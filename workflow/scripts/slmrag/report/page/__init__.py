"""The page: tables, plots, style and script in one file."""
