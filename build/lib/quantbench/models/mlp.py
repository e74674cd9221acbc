"""A small multilayer perceptron: no convolution, so dynamic quantization reaches all of it."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

INPUT_SHAPE = (1, 32, 32)


def build() -> nn.Module:
    """A new network, [N, 1, 32, 32] -> logits [N, 10], with PyTorch's own initialisation."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),  # [N, 1024]
            fc1=nn.Linear(1024, 64),
            relu1=nn.ReLU(),
            fc2=nn.Linear(64, 10),
        )
    )
