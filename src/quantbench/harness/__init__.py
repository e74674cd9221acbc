"""Workers: one process a row, driven in turn, round by round."""
