"""Operators of ONNX."""
