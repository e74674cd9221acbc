"""Checks of an integer graph against the ONNX file itself, by ONNX Runtime."""
