"""Records in, text and pictures out: nothing here measures, and nothing here writes files."""
