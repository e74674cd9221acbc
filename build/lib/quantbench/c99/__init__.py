"""The compiler: a quantized or float32 ONNX network becomes C99 that needs only C's own library."""
