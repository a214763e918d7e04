"""Files of others into tables of questions and of passages."""
