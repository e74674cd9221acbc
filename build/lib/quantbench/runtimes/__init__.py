"""Runtimes, one file each, as contracts.RuntimeModule describes."""
