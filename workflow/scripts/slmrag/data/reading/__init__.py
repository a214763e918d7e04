"""What several formats share: bytes, lines, records, columns."""
