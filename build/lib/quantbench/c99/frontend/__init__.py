"""The import of ONNX: a checked reader, and the expressions that become nodes of the graph."""
