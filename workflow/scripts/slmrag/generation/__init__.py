"""From prompts to tables of answers, through a journal."""
