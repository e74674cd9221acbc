"""The operators of ONNX that are read, one a file: TEMPLATE.py says what a file holds.

To add one, copy TEMPLATE.py to the operator's name in snake case and fill it in; nothing has to be
registered. `python -m benchmarks.operators_page` lists it in docs/operators.md; give it a case in
tests/c99/ops.
"""
