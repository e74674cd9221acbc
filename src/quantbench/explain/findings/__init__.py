"""Rules, one file each, with the members that explain.judge.FindingModule names.

To add one: write NAME.py with TITLE and find(results, explanation), which yields a Finding for
what the evidence shows and nothing where the evidence isn't there; then a test in
tests/explain/findings where it must find something and one where it must not. Code that several
rules share stands in explain/evidence.py.
"""
