"""ONNX files of modules with one input."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from quantbench.export.to_onnx import export
from quantbench.tasks.network import Network, TensorSpec


def exported(module: nn.Module, path: Path, *shape: int) -> Path:
    """Write a module that takes float32 [N, *shape] as "input"."""
    module = module.eval()
    output = tuple(module(torch.zeros(2, *shape)).shape[1:])
    inputs, outputs = (
        (TensorSpec(name="input", shape=shape),),
        (TensorSpec(name="y", shape=output),),
    )
    export(module, Network("net", inputs, outputs, "0", make_module=lambda: module), path)
    return path
