"""One file a way to quantize. A file offers what contracts.MethodModule names."""
