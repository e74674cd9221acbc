"""Loops for vector instructions."""
