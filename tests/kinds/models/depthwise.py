"""Inverted residuals as in MobileNetV2: depthwise convolutions, ReLU6, linear bottlenecks."""

from __future__ import annotations

from torch import Tensor, nn

INPUT_SHAPE = (1, 32, 32)


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Inverted(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = 3 * channels
        self.body = nn.Sequential(
            *conv(channels, wide, 1), nn.ReLU6(), *conv(wide, wide, 3, groups=wide), nn.ReLU6(),
            *conv(wide, channels, 1),
        )  # fmt: skip

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + self.body(inputs)


def build() -> nn.Module:
    return nn.Sequential(
        *conv(1, 8, 3, stride=2),
        nn.ReLU6(),
        Inverted(8),
        *conv(8, 16, 3, stride=2),
        nn.ReLU6(),
        Inverted(16),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )
