"""ResNet-18: additions of two branches, of which one may be a convolution of 1x1."""

from __future__ import annotations

from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from tests.families import generate
from tests.families.blocks import classifier, conv_bn
from tests.families.family import Family, channels, classes, image_size, image_spec, repeats


class BasicBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(inputs, outputs, 3, stride), conv_bn(outputs, outputs, activation=None)
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = (
            nn.Identity() if same else conv_bn(inputs, outputs, 1, stride, activation=None)
        )
        self.relu = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.relu(self.body(inputs) + self.shortcut(inputs))
        return outputs


def build(width: float) -> nn.Module:
    counts = [channels(count, width) for count in (64, 128, 256, 512)]
    blocks: list[nn.Module] = []
    before = counts[0]
    for stage, count in enumerate(counts):
        for number in range(repeats(2, width)):
            blocks.append(BasicBlock(before, count, 2 if stage and number == 0 else 1))
            before = count
    return nn.Sequential(
        conv_bn(3, counts[0], 7, 2), nn.MaxPool2d(3, 2, 1), *blocks,
        classifier(before, classes(width)),
    )  # fmt: skip


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(image_size(width), classes(width), count, seed)


FAMILY = Family(
    "ResNet-18", "He et al., Deep Residual Learning, 2015, Table 1: 1.8 G; 11.69 M",
    build, image_spec, samples, parameters=11_689_512, macs=1_814_000_000,
)  # fmt: skip
