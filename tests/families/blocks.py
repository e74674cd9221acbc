"""Parts that several of the networks have."""

from __future__ import annotations

from torch import Tensor, nn


def conv_bn(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
    *,
    bias: bool = False,
) -> nn.Sequential:
    """A convolution that keeps the size (but for its stride), a batch norm, an activation."""
    parts: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*parts, *([] if activation is None else [activation()]))


class InvertedResidual(nn.Module):
    """Widen, filter each channel alone, narrow linearly; added to the input where shapes agree.

    Sandler et al., MobileNetV2, 2018, Figure 4; `gate` is put before the narrowing.
    """

    def __init__(
        self,
        inputs: int,
        expanded: int,
        outputs: int,
        kernel: int,
        stride: int,
        activation: type[nn.Module],
        gate: nn.Module | None = None,
    ) -> None:
        super().__init__()
        widen = [] if expanded == inputs else [conv_bn(inputs, expanded, 1, activation=activation)]
        self.body = nn.Sequential(
            *widen,
            conv_bn(expanded, expanded, kernel, stride, expanded, activation),
            *([] if gate is None else [gate]),
            conv_bn(expanded, outputs, 1, activation=None),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.body(inputs)
        return inputs + outputs if self.adds else outputs


def classifier(features: int, classes: int) -> nn.Sequential:
    """Mean of each channel, then one fully connected layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, classes))
