"""From ONNX nodes to the integer graph."""
