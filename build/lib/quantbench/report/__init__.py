"""Turn records into text, tables and pictures; only write.py writes files."""
