"""Data sets of IDX files: where they come from, how they are read and split."""
