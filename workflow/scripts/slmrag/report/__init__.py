"""The comparison as tables, figures and one page."""
