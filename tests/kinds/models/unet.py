"""Down and up again by a transposed convolution, joined with what was kept."""

from __future__ import annotations

import torch
from torch import Tensor, nn

INPUT_SHAPE = (1, 32, 32)


class Up(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.relu1 = nn.ReLU()
        self.down = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.relu2 = nn.ReLU()
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.joined = nn.Conv2d(16, 8, 3, padding=1)
        self.relu3 = nn.ReLU()
        self.pool = nn.AvgPool2d(4)
        self.flatten = nn.Flatten()
        self.last = nn.Linear(8 * 16, 10)

    def forward(self, images: Tensor) -> Tensor:
        kept = self.relu1(self.first(images))
        raised = self.up(self.relu2(self.down(kept)))
        joined = self.relu3(self.joined(torch.cat([kept, raised], 1)))
        return self.last(self.flatten(self.pool(joined)))


def build() -> nn.Module:
    return Up()
