"""Files of many formats into tables of questions and passages."""
