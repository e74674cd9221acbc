"""C text: syntax, translation unit, portable loops."""
