"""Say why: what ran as integer, where the time goes, where the error is made, and what to do.

`records.py` holds what is found out; each other file finds out one part of it from artifacts and
measurements. `findings/` judges: one file a rule.
"""
