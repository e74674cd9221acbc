"""Checks of a network and its samples before a study: one small function for each mistake."""
