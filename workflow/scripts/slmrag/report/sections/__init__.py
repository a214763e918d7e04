"""The sections of the report, in words and tables; numbers come from the analysis."""
