"""Pieces of HTML, made from records; all text is escaped."""
