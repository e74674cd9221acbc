"""Modules of PyTorch's eager quantization, told by their names.

torch.ao isn't imported: float networks are read without it.
"""

from __future__ import annotations

from torch import nn


def is_quantized(module: nn.Module) -> bool:
    """Whether a module multiplies by weights that are integers."""
    return is_of(module, "WeightedQuantizedModule")


def is_of(module: nn.Module, name: str) -> bool:
    """Whether a module is of the class `name` of torch.ao."""
    return any(
        base.__name__ == name and base.__module__.startswith("torch.ao.")
        for base in type(module).__mro__
    )
