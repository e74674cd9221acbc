"""Portable C that takes fewer instructions and more bytes, for `--optimize speed`."""
