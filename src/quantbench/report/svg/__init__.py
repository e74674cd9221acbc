"""Charts as SVG text, from numbers: each drawing is a pure function of data and a width.

Colours are classes that the page's style sheet fills in, so that one drawing serves both themes.
"""
