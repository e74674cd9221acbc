"""A class for a sequence, from the last output of a GRU or an LSTM."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.family import Family, channels

SHAPE, CLASSES = (32, 16), 5


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.GRU | nn.LSTM], hidden: int) -> None:
        super().__init__()
        self.recurrent = kind(SHAPE[1], hidden, batch_first=True)
        self.last = nn.Linear(hidden, CLASSES)

    def forward(self, steps: Tensor) -> Tensor:
        outputs, _ = self.recurrent(steps)
        logits: Tensor = self.last(outputs[:, -1])
        return logits


def build(kind: type[nn.GRU | nn.LSTM], width: float) -> nn.Module:
    return Recurrent(kind, channels(64, width))


def inputs(width: float) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="steps", shape=SHAPE),)


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.waves(SHAPE, CLASSES, count, seed, axis=0)


FAMILIES = (
    Family(
        "GRU", "Cho et al., 2014; three gates, counted by hand", partial(build, nn.GRU), inputs,
        samples, parameters=16_069, macs=491_840,
    ),
    Family(
        "LSTM", "Hochreiter and Schmidhuber, 1997; four gates, counted by hand",
        partial(build, nn.LSTM), inputs, samples, parameters=21_317, macs=655_680,
    ),
)  # fmt: skip
