"""LeNet as in Table 1 of the source report: 61,706 parameters, 416,520 multiply-adds.

The class has the report's own structure: convolutions in `features`, fully connected layers in
`classifier`, between the stubs at which PyTorch's eager quantization enters and leaves integers.
In the float network the stubs are identities, and no exported file holds a trace of them.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

try:
    from torch.ao.quantization import DeQuantStub, QuantStub
except ImportError:  # a PyTorch without eager quantization still trains and exports the network
    from torch.nn import Identity as DeQuantStub  # type: ignore[assignment]
    from torch.nn import Identity as QuantStub  # type: ignore[assignment]

INPUT_SHAPE = (1, 32, 32)


class LeNet(nn.Module):
    """Map images, float32 [N, 1, 32, 32], to logits, [N, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.quant = QuantStub()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5),  # [N, 6, 28, 28]
            nn.ReLU(),
            nn.AvgPool2d(2),  # [N, 6, 14, 14]
            nn.Conv2d(6, 16, 5),  # [N, 16, 10, 10]
            nn.ReLU(),
            nn.AvgPool2d(2),  # [N, 16, 5, 5]
            nn.Conv2d(16, 120, 5),  # [N, 120, 1, 1]
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
        self.dequant = DeQuantStub()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images: [N, 1, 32, 32] -> [N, 10]."""
        maps = self.features(self.quant(images))
        logits = self.classifier(torch.flatten(maps, 1))
        return cast(Tensor, self.dequant(logits))


def build() -> nn.Module:
    """A new network, [N, 1, 32, 32] -> logits [N, 10], with PyTorch's own initialisation."""
    return LeNet()
