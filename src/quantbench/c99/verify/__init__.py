"""Verification of a delivered folder: its C, run for samples, against the integer graph."""
