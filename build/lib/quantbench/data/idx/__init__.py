"""Data sets of IDX files: find their sources, read them, split them."""
