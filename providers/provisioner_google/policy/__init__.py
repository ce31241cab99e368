"""What Google's policies mean: conditions, decisions, comparison, and the tool's own negatives. Pure."""
