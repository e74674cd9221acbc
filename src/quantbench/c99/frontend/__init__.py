"""The import of ONNX: what is read, and the expressions that become nodes of the graph."""
