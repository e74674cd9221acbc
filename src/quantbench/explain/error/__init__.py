"""The numerical error of each layer of one artifact, against float32's values.

`onnx_error.py` and `module_error.py` measure it: of an ONNX file, and of PyTorch's module. For the
former `onnx_reference.py` gives the float graph, `onnx_pairs.py` tells which of its tensors each
tensor of the quantized graph stands for, `onnx_points.py` where layers end, and `onnx_runs.py` runs
both. `sums.py` adds up what they give, batch by batch.
"""
