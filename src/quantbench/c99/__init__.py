"""From a quantized ONNX network to integers, and to C99 that computes with nothing else."""
