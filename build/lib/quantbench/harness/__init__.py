"""Measure: worker processes, one for each row, driven in turn, round by round."""
