"""LeNet as in Table 1 of the source report: 61,706 parameters, 416,520 multiply-adds."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

INPUT_SHAPE = (1, 32, 32)


def build() -> nn.Module:
    """A new network, [N, 1, 32, 32] -> logits [N, 10], with PyTorch's own initialisation."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 6, 5),  # [N, 6, 28, 28]
            relu1=nn.ReLU(),
            pool1=nn.AvgPool2d(2),  # [N, 6, 14, 14]
            conv2=nn.Conv2d(6, 16, 5),  # [N, 16, 10, 10]
            relu2=nn.ReLU(),
            pool2=nn.AvgPool2d(2),  # [N, 16, 5, 5]
            conv3=nn.Conv2d(16, 120, 5),  # [N, 120, 1, 1]
            relu3=nn.ReLU(),
            flatten=nn.Flatten(),
            fc1=nn.Linear(120, 84),
            relu4=nn.ReLU(),
            fc2=nn.Linear(84, 10),
        )
    )
