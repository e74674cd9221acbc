"""From a quantized ONNX network to integers, and to C99 that computes with nothing else.

float32/ does the same for a network that isn't quantized, for comparison.
"""
