"""The process of keep.py on a machine without Python's headers."""

from __future__ import annotations

from quantbench.c99.build import direct, keep

if __name__ == "__main__":
    direct.headers = lambda: None
    keep.main()
