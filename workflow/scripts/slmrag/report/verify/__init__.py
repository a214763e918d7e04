"""A report held against its rows."""
