"""SiLU and squeeze-and-excite, as in EfficientNet: products of two activations."""

from __future__ import annotations

from torch import Tensor, nn

INPUT_SHAPE = (1, 32, 32)


class Excite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.down = nn.Conv2d(channels, 4, 1)
        self.silu = nn.SiLU()
        self.up = nn.Conv2d(4, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs * self.gate(self.up(self.silu(self.down(self.pool(inputs)))))


def build() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.SiLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.SiLU(),
        Excite(16),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.SiLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )
